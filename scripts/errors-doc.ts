// `npm run docs:errors`: writes docs/errors.md from the error tables.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderErrorsDoc } from "../lib/errors/all.js";
import { root } from "./ensure.mjs";

writeFileSync(join(root, "docs/errors.md"), renderErrorsDoc());
