'use strict';
// aws-kinesis-agg, one JSON request and answer a line.

const readline = require('node:readline');
const peer = require('aws-kinesis-agg');

// Libraries may print; the answers must stay alone on stdout.
console.log = console.error;

function decode(entry) {
  const record = {
    data: entry.data,
    partitionKey: entry.partition_key,
    sequenceNumber: entry.sequence_number,
  };
  let error = null;
  let found = [];
  peer.deaggregateSync(record, true, (err, records) => {
    if (err) {
      error = err;
    } else if (records) {
      found = records;
    }
  });
  if (error) {
    return { error: String(error) };
  }
  return {
    records: found.map((one) => ({
      partition_key: one.partitionKey ?? null,
      explicit_hash_key: one.explicitPartitionKey ?? null,
      data: one.data,
      sub_sequence_number: one.subSequenceNumber ?? 0,
      // It tells the two apart by this alone.
      aggregated: one.subSequenceNumber !== undefined,
    })),
  };
}

function encode(records, maxSize) {
  const entries = [];
  const aggregator = new peer.RecordAggregator();
  const close = () => {
    const entry = aggregator.build();
    if (entry) {
      entries.push({
        data: entry.data.toString('base64'),
        partition_key: entry.partitionKey,
        explicit_hash_key: entry.ExplicitHashKey ?? null,
      });
    }
  };
  for (const record of records) {
    const one = {
      partitionKey: record.partition_key,
      data: Buffer.from(record.data, 'base64'),
    };
    if (record.explicit_hash_key !== null) {
      one.explicitHashKey = record.explicit_hash_key;
    }
    if (!aggregator.checkIfUserRecordFits(one)) {
      close();
    }
    aggregator.addUserRecord(one);
    // It knows no limit but 1 MiB.
    if (aggregator.totalBytes + 20 >= maxSize) {
      close();
    }
  }
  close();
  return entries;
}

function handle(request) {
  switch (request.op) {
    case 'decode':
      return {
        results: request.entries.map((entry) => {
          try {
            return decode(entry);
          } catch (e) {
            return { error: String(e) };
          }
        }),
      };
    case 'encode':
      return { entries: encode(request.records, request.max_size) };
    default:
      throw new Error('unknown op');
  }
}

readline.createInterface({ input: process.stdin, crlfDelay: Infinity }).on('line', (line) => {
  let answer;
  try {
    answer = handle(JSON.parse(line));
  } catch (e) {
    answer = { error: String(e) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
});
