// A heap of records, whose event loop notes how long it did not get to run.
// Usage: node records.js RECORDS FILE. For each line read: a heap snapshot.
"use strict";
const { createInterface } = require("node:readline");
const { performance } = require("node:perf_hooks");
const v8 = require("node:v8");

class Record {
  constructor(number) {
    this.number = number + 0.5; // Not a small integer, which is no object.
    this.name = Buffer.from(`record ${number}`).toString();
    this.amount = number * 1.25 + 0.1;
    this.origin = [Buffer.from(`place ${number}`).toString(), number + 0.25];
  }
}

const [count, file] = [Number(process.argv[2]), process.argv[3]];
// Kept alive: what only this function names would be collected.
globalThis.records = Array.from({ length: count }, (_, number) => new Record(number));
let [last, largest] = [performance.now(), 0];
setInterval(() => {
  const now = performance.now();
  [largest, last] = [Math.max(largest, now - last), now];
}, 1);
createInterface({ input: process.stdin }).on("line", () => {
  largest = 0;
  const began = performance.now();
  v8.writeHeapSnapshot(file);
  const seconds = (performance.now() - began) / 1e3;
  setTimeout(() => console.log(JSON.stringify({ gap: largest / 1e3, seconds })), 20);
});
console.log(JSON.stringify({ records: globalThis.records.length }));
