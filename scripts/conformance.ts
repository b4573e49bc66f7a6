/** Runs the Step Functions conformance cases of the folders given: `tsx scripts/conformance.ts <folder>...` */
import { runConformance } from "../lib/local/states/conformance.js";

const folders = process.argv.slice(2);
if (folders.length === 0) {
  console.error("usage: tsx scripts/conformance.ts <folder>...");
  process.exitCode = 2;
} else {
  const allPassed = await runConformance(folders, console.log);
  process.exitCode = allPassed ? 0 : 1;
}
