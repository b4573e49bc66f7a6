import { processIo } from "../lib/cli/io.js";
import { runProgram } from "../lib/cli/program.js";
import { root } from "../scripts/ensure.mjs";

process.exitCode = await runProgram(process.argv.slice(2), { io: processIo, root });
