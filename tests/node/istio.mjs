// Validates custom resources of Istio, in JSON on standard input, by validators that were
// made from Istio's own definitions of them. Prints what each is refused for, one a line:
// an empty line for one that is taken.
import { readFileSync } from "node:fs";

for (const resource of JSON.parse(readFileSync(0, "utf8"))) {
  const found = await import(`@kubernetes-models/istio/${resource.apiVersion}/${resource.kind}`);
  try {
    new found[resource.kind](resource).validate();
    console.log("");
  } catch (error) {
    console.log(String(error.message || error).replaceAll("\n", " "));
  }
}
