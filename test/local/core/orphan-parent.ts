/** Run by orphan.test.ts in a process of its own: starts a cloud, leaves one child spinning and one idle, prints their pids. */
import { startCloud } from "../../../lib/local/cloud.js";

const cloud = await startCloud({ assembly: process.argv[2] ?? "", log: (line) => console.log(line) });
const caller = { principalArn: "arn:aws:iam::111111111111:role/invoker", sessionArn: "s", accountId: "111111111111" };
const arn = (name: string) => `arn:aws:lambda:eu-central-1:111111111111:function:${name}`;
await cloud.context.functions.invoke(arn("idle"), {}, caller);
void cloud.context.functions.invoke(arn("spinning"), { spin: true }, caller);
