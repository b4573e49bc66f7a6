/**
 * The runtime interface client: runs inside each function's child process, asks the Runtime API for invocations and calls
 * the handler. Plain JavaScript, because Node starts it as it is.
 *
 * node bootstrap.mjs <cloud's epoch ms> frozen|ticking <cloud's process id>
 */
import { existsSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

const RealDate = Date;
const realNow = Date.now.bind(Date);
/** The cloud's time: of a clock that stands still while functions run (skipped time), or ticking along with this machine's. */
let cloud = { nowMs: Number(process.argv[2]), atMs: realNow(), frozen: process.argv[3] === "frozen" };
const cloudPid = Number(process.argv[4]);
process.argv.length = 2;

dieWithCloud(cloudPid);
followCloudClock();
const runtimeApi = process.env.AWS_LAMBDA_RUNTIME_API ?? "";
const agent = new Agent({ keepAlive: true });

let handler;
try {
  handler = await loadHandler(process.env.LAMBDA_TASK_ROOT ?? process.cwd(), process.env._HANDLER ?? "");
} catch (error) {
  await call("POST", "init/error", JSON.stringify(describe(error)));
  process.exit(1);
}
for (;;) await runOne();

async function runOne() {
  const { headers, body } = await call("GET", "invocation/next");
  const requestId = headers["lambda-runtime-aws-request-id"];
  cloud = { ...cloud, nowMs: Number(headers["countersign-clock-ms"]), atMs: realNow() };
  const deadlineMs = Number(headers["lambda-runtime-deadline-ms"]);
  const context = {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
  let path = "response";
  let answer;
  try {
    const result = await handler(JSON.parse(body), context);
    answer = JSON.stringify(result) ?? "null";
  } catch (error) {
    path = "error";
    answer = JSON.stringify(describe(error));
    console.error(error);
  }
  await call("POST", `invocation/${requestId}/${path}`, answer);
}

/** `dir/file.export.nested`: the file beside the task root with .js, .mjs or .cjs, and what it exports. */
async function loadHandler(taskRoot, name) {
  const slash = name.lastIndexOf("/") + 1;
  const dot = name.indexOf(".", slash);
  const [file, path] = [name.slice(0, dot), name.slice(dot + 1).split(".")];
  const found = [".js", ".mjs", ".cjs"].map((ending) => join(taskRoot, file + ending)).find((each) => existsSync(each));
  if (dot < 0 || !found)
    throw named("Runtime.ImportModuleError", `Cannot find module '${file}' in the function's asset`);
  let module;
  try {
    module = await import(pathToFileURL(found).href);
  } catch (error) {
    if (error instanceof SyntaxError) throw named("Runtime.UserCodeSyntaxError", String(error), error);
    if (error?.code === "ERR_MODULE_NOT_FOUND" || error?.code === "MODULE_NOT_FOUND") {
      throw named("Runtime.ImportModuleError", `Error: ${error.message}`, error);
    }
    throw error;
  }
  const pick = (from) => path.reduce((value, key) => value?.[key], from);
  const chosen = pick(module) ?? pick(module.default);
  if (typeof chosen !== "function") throw named("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  return chosen;
}

function named(name, message, cause) {
  const error = new Error(message, { cause });
  error.name = name;
  return error;
}

/** The error answer of a function, as the managed Node.js runtimes write it. */
function describe(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? "").split("\n") };
}

/** One call to the Runtime API. The cloud going away ends this process: nobody is left to answer. */
function call(method, path, body = "") {
  return new Promise((done) => {
    const gone = () => process.exit(0);
    const outgoing = request(`http://${runtimeApi}/2018-06-01/runtime/${path}`, { method, agent }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", gone);
      response.on("end", () => done({ headers: response.headers, body: Buffer.concat(chunks).toString("utf8") }));
    });
    outgoing.on("error", gone);
    outgoing.end(body);
  });
}

/** `Date` shows the cloud's clock, which scenarios move forward. Timers stay real. */
function followCloudClock() {
  const now = () => cloud.nowMs + (cloud.frozen ? 0 : realNow() - cloud.atMs);
  const CloudDate = new Proxy(RealDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length > 0 ? args : [now()], newTarget),
    apply: () => new RealDate(now()).toString(),
    get: (target, key, receiver) => (key === "now" ? now : Reflect.get(target, key, receiver)),
  });
  RealDate.prototype.constructor = CloudDate;
  globalThis.Date = CloudDate;
}

/** A thread of its own, because a handler that spins would keep this one from noticing that the cloud died. */
function dieWithCloud(pid) {
  const watch = `setInterval(() => { if (process.ppid !== ${pid}) process.kill(process.pid, "SIGKILL"); }, 500);`;
  new Worker(watch, { eval: true, env: {} }).unref();
}
