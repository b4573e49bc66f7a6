/** Runs the Step Functions conformance cases of the folders given: `npm run conformance -- <folder>...` */
import { conformanceCommand } from "../lib/local/states/conformance-command.js";

process.exitCode = await conformanceCommand(process.argv.slice(2), { out: console.log, err: console.error });
