// Load a .heapsnapshot with one of three readers and print what it counted.
//
//   node load.mjs READER FILE
//
// The readers are of independent origin: the toolkit is the code of Chrome's
// DevTools, memlab is Meta's, and the parser is the one in VS Code, in Rust.
import { createReadStream, readFileSync } from "node:fs";

const readers = {
  async toolkit(file) {
    const { parse } = await import("heap-snapshot-toolkit");
    const heap = await parse(createReadStream(file, "utf-8"));
    return {
      nodes: heap.nodeCount,
      edges: heap.containmentEdges.length / heap.edgeFieldsCount,
      total_size: heap.totalSize,
    };
  },
  async memlab(file) {
    const { getFullHeapFromFile } = await import("@memlab/heap-analysis");
    const heap = await getFullHeapFromFile(file);
    let size = 0;
    heap.nodes.forEach((node) => {
      size += node.self_size;
    });
    return { nodes: heap.nodes.length, edges: heap.edges.length, total_size: size };
  },
  async parser(file) {
    const { default: parser } = await import("@vscode/v8-heap-parser");
    const graph = parser.decode_bytes(readFileSync(file));
    const groups = graph.get_class_groups(0, 2 ** 31, true);
    return {
      nodes: groups.reduce((sum, group) => sum + group.children_len, 0),
      total_size: groups.reduce((sum, group) => sum + Number(group.self_size), 0),
    };
  },
};

const [name, file] = process.argv.slice(2);
console.log(JSON.stringify(await readers[name](file)));
