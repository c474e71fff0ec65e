// Load a .heapsnapshot with one of three readers and print what it counted.
//
//   node load.mjs READER FILE CLASS
//   node load.mjs retained READER FILE    retained sizes, and dominators, by id
//   node load.mjs statistics READER FILE  counts, own and retained sizes by class, and totals
//   node load.mjs compared FILE FILE      new and gone objects by class
//   node load.mjs timed READER FILE       seconds until retained sizes are known
//
// The readers are of independent origin: the toolkit is the code of Chrome's
// DevTools, memlab is Meta's, and the parser is the one in VS Code, in Rust.
import { createReadStream, readFileSync } from "node:fs";

const readers = {
  async toolkit(file, className) {
    const { parse } = await import("heap-snapshot-toolkit");
    const heap = await parse(createReadStream(file, "utf-8"));
    let instances = 0;
    for (const each = heap.allNodes(); each.hasNext(); each.next()) {
      instances += each.item().rawName() === className ? 1 : 0;
    }
    return {
      nodes: heap.nodeCount,
      edges: heap.containmentEdges.length / heap.edgeFieldsCount,
      total_size: heap.totalSize,
      instances,
    };
  },
  async memlab(file, className) {
    const { getFullHeapFromFile } = await import("@memlab/heap-analysis");
    const heap = await getFullHeapFromFile(file);
    let total_size = 0;
    let instances = 0;
    heap.nodes.forEach((node) => {
      total_size += node.self_size;
      instances += node.name === className ? 1 : 0;
    });
    return { nodes: heap.nodes.length, edges: heap.edges.length, total_size, instances };
  },
  async parser(file, className) {
    const { default: parser } = await import("@vscode/v8-heap-parser");
    const graph = parser.decode_bytes(readFileSync(file));
    const groups = graph.get_class_groups(0, 2 ** 31, true);
    return {
      nodes: groups.reduce((sum, group) => sum + group.children_len, 0),
      total_size: groups.reduce((sum, group) => sum + Number(group.self_size), 0),
      instances: graph.get_class_counts([className])[0],
    };
  },
};

// Id, retained size, and the dominator's id, which the parser does not tell.
const retained = {
  async parser(file) {
    const { default: parser } = await import("@vscode/v8-heap-parser");
    const graph = parser.decode_bytes(readFileSync(file));
    const found = [];
    graph.get_class_groups(0, 2 ** 31, false).forEach((group, place) => {
      for (const node of graph.class_children(place, 0, group.children_len, 0)) {
        found.push([node.id, Number(node.retained_size)]);
        node.free();
      }
    });
    return found;
  },
  async memlab(file) {
    const { getFullHeapFromFile } = await import("@memlab/heap-analysis");
    const heap = await getFullHeapFromFile(file);
    const found = [];
    heap.nodes.forEach((node) => {
      if (node.retainedSize > 0) found.push([node.id, node.retainedSize, node.dominatorNode?.id ?? 0]);
    });
    return found;
  },
  async toolkit(file) {
    const { parse } = await import("heap-snapshot-toolkit");
    const heap = await parse(createReadStream(file, "utf-8"));
    const found = [];
    for (const each = heap.allNodes(); each.hasNext(); each.next()) {
      const dominator = heap.createNode(each.item().dominatorIndex());
      found.push([each.item().id(), each.item().retainedSize(), dominator.id()]);
    }
    return found;
  },
};

// What the summary views say: name, count, own and retained size of each class.
const statistics = {
  async toolkit(file) {
    const { parse } = await import("heap-snapshot-toolkit");
    const heap = await parse(createReadStream(file, "utf-8"));
    const classes = Object.values(heap.aggregatesWithFilter({}));
    return {
      totals: heap.getStatistics(),
      classes: classes.map((each) => [each.name, each.count, each.self, each.maxRet]),
    };
  },
};

// What DevTools' comparison view says: objects added and removed, by class.
async function compared(before, after) {
  const { parse } = await import("heap-snapshot-toolkit");
  const [first, second] = [
    await parse(createReadStream(before, "utf-8")),
    await parse(createReadStream(after, "utf-8")),
  ];
  const diff = second.calculateSnapshotDiff("before", first.aggregatesForDiff("[]"));
  return Object.entries(diff).map(([name, each]) => [each.name ?? name, each.addedCount, each.removedCount]);
}

async function timed(reader, file) {
  const began = performance.now();
  const sizes = { memlab: summed, toolkit: total }[reader];
  const found = await sizes(file);
  return { seconds: (performance.now() - began) / 1000, resident: process.resourceUsage().maxRSS * 1024, ...found };
}
async function summed(file) {
  const { getFullHeapFromFile } = await import("@memlab/heap-analysis");
  const heap = await getFullHeapFromFile(file);
  let largest = 0;
  heap.nodes.forEach((node) => { if (node.id !== 1) largest = Math.max(largest, node.retainedSize); });
  return { nodes: heap.nodes.length, largest };
}
async function total(file) {
  const { parse } = await import("heap-snapshot-toolkit");
  const heap = await parse(createReadStream(file, "utf-8"));
  let largest = 0;
  for (const each = heap.allNodes(); each.hasNext(); each.next()) {
    const node = each.item();
    if (node.id() !== 1) largest = Math.max(largest, node.retainedSize());
  }
  return { nodes: heap.nodeCount, largest };
}

const [name, ...rest] = process.argv.slice(2);
const answer =
  name === "retained" ? await retained[rest[0]](rest[1])
  : name === "statistics" ? await statistics[rest[0]](rest[1])
  : name === "compared" ? await compared(rest[0], rest[1])
  : name === "timed" ? await timed(rest[0], rest[1])
  : await readers[name](rest[0], rest[1]);
console.log(JSON.stringify(answer));
