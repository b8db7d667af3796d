'use strict';
// Node's zlib, one JSON request and answer a line.

const readline = require('node:readline');
const zlib = require('node:zlib');

const codecs = {
  gzip: [zlib.gzipSync, zlib.gunzipSync],
  zlib: [zlib.deflateSync, zlib.inflateSync],
  deflate: [zlib.deflateRawSync, zlib.inflateRawSync],
};

function handle(request) {
  const codec = codecs[request.codec];
  if (!codec) {
    throw new Error(`no codec ${request.codec}`);
  }
  const work = codec[['compress', 'decompress'].indexOf(request.op)];
  return {
    results: request.payloads.map(({ data }) => ({
      data: work(Buffer.from(data, 'base64')).toString('base64'),
    })),
  };
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
