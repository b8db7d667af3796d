'use strict';
// npm's aws-kinesis-agg; a line that says what it is, then a line of answer to each request.

const crypto = require('node:crypto');
const fs = require('node:fs');
const readline = require('node:readline');
const peer = require('aws-kinesis-agg');
const { version } = require('aws-kinesis-agg/package.json');

let json;
let kinesisRecords;

function load(path) {
  json = fs.readFileSync(path);
  // It takes a Buffer as data, too.
  kinesisRecords = JSON.parse(json).Records.map(({ kinesis }) => ({
    ...kinesis,
    data: Buffer.from(kinesis.data, 'base64'),
  }));
}

function deaggregate(record, visit) {
  let error = null;
  let found = [];
  peer.deaggregateSync(record, true, (err, records) => {
    if (err) {
      error = err;
    } else {
      found = records;
    }
  });
  if (error) {
    throw error;
  }
  for (const { partitionKey, data } of found) {
    // User records come as base64; a plain record comes as it was given.
    visit(partitionKey, typeof data === 'string' ? Buffer.from(data, 'base64') : data);
  }
}

function run(stage, visit) {
  switch (stage) {
    case 'decode':
      for (const record of kinesisRecords) {
        deaggregate(record, visit);
      }
      break;
    case 'event':
      for (const record of JSON.parse(json).Records) {
        deaggregate(record.kinesis, visit);
      }
      break;
    default:
      throw new Error('no such stage');
  }
}

function check(stage) {
  const md5 = crypto.createHash('md5');
  const length = Buffer.alloc(4);
  let records = 0;
  let bytes = 0;
  run(stage, (key, data) => {
    records += 1;
    bytes += data.length;
    for (const part of [Buffer.from(key), data]) {
      length.writeUInt32LE(part.length);
      md5.update(length).update(part);
    }
  });
  return `${records} ${bytes} ${md5.digest('hex')}`;
}

function time(stage, seconds) {
  let spent = 0;
  let runs = 0;
  let touched = 0;
  for (; runs === 0 || spent < seconds * 1e3; runs += 1) {
    const start = performance.now();
    run(stage, (key, data) => {
      touched += key.length + data.length + data[0];
    });
    spent += performance.now() - start;
  }
  if (Number.isNaN(touched)) {
    throw new Error('a user record without data');
  }
  return spent / 1e3 / runs;
}

function answer(line) {
  const [request, ...rest] = line.split(' ');
  switch (request) {
    case 'load':
      load(rest.join(' '));
      return 'loaded';
    case 'check':
      return check(rest[0]);
    case 'time':
      return time(rest[0], Number(rest[1]));
    default:
      throw new Error('no such request');
  }
}

console.log(`aws-kinesis-agg ${version}, Node.js ${process.versions.node}`);
readline.createInterface({ input: process.stdin }).on('line', (line) => console.log(`${answer(line)}`));
