import { processIo } from "../lib/cli/io.js";
import { runProgram } from "../lib/cli/program.js";
import { root } from "../scripts/ensure.mjs";

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
process.exitCode = await runProgram(process.argv.slice(2), { io: processIo, root });
