/** Before the first test of a file that needs an assembly. */
import { inject } from "vitest";
import { assemblyMade } from "./assembly.js";

await assemblyMade(inject("assembly"));
