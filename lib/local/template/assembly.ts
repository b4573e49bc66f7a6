import { readFileSync, statSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import * as z from "zod";
import { CountersignError } from "../../errors.js";
import { readJson } from "../../run/json.js";
import { inDependencyOrder } from "./order.js";
import { AssetManifestSchema, ManifestSchema, StackPropertiesSchema, type Template, TemplateSchema } from "./schema.js";

/** One stack of the assembly, not yet resolved. */
export interface StackTemplate {
  readonly name: string;
  readonly template: Template;
  /** values `cdk deploy` would pass for the template's parameters */
  readonly parameters: Readonly<Record<string, string>>;
}
/** A synthesised CDK application, as `cdk deploy` reads it. */
export interface Assembly {
  readonly accountId: string;
  readonly region: string;
  /** each after the stacks it depends on */
  readonly stacks: readonly StackTemplate[];
  /** the folder that `cdk deploy` would upload as this object; throws CS-1203 when there is none */
  assetFolder(bucket: string, objectKey: string): string;
}

/** CloudFormation takes templates of 1 MB; manifests of many stacks are larger. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const DEFAULT_ACCOUNT = "111111111111";
const DEFAULT_REGION = "eu-central-1";

interface FoundStack extends StackTemplate {
  readonly id: string;
  readonly environment: string;
  readonly dependsOn: readonly string[];
}
interface FoundAsset {
  readonly path: string;
  readonly packaging: "file" | "zip";
  readonly bucketName: string;
}

/**
 * Reads `cdk.out`. Stacks without an environment of their own go to account 111111111111 in eu-central-1.
 *
 * @param only names of the stacks to deploy, with those they depend on; all when left out
 * @throws CountersignError CS-1201 to CS-1205
 */
export function readAssembly(folder: string, only?: readonly string[]): Assembly {
  const root = resolve(folder);
  const found: FoundStack[] = [];
  const assets = new Map<string, FoundAsset>();
  readFolder(root, found, assets);
  const stacks = only === undefined ? found : selected(found, only);
  if (stacks.length === 0)
    throw new CountersignError("CS-1201", `${root}: no stacks in this assembly; run \`npx cdk synth\``);
  const { accountId, region } = oneEnvironment(stacks);
  const order = stackOrder(stacks);
  const bySub = (text: string) =>
    text
      .replaceAll(/\$\{AWS::AccountId\}/g, accountId)
      .replaceAll(/\$\{AWS::Region\}/g, region)
      .replaceAll(/\$\{AWS::Partition\}/g, "aws");
  return {
    accountId,
    region,
    stacks: order,
    assetFolder: (bucket, objectKey) => assetFolder(bucket, objectKey, assets.get(objectKey), bySub),
  };
}

function readFolder(folder: string, stacks: FoundStack[], assets: Map<string, FoundAsset>): void {
  const manifest = readFileJson(join(folder, "manifest.json"), ManifestSchema);
  for (const [id, artifact] of Object.entries(manifest.artifacts)) {
    if (artifact.type === "aws:cloudformation:stack") {
      const properties = checked(StackPropertiesSchema, artifact.properties, `${folder}/manifest.json artifacts.${id}`);
      stacks.push({
        id,
        name: properties.stackName ?? id,
        environment: artifact.environment ?? "aws://unknown-account/unknown-region",
        template: readFileJson(inside(folder, properties.templateFile), TemplateSchema),
        parameters: properties.parameters,
        dependsOn: artifact.dependencies,
      });
    } else if (artifact.type === "cdk:asset-manifest") {
      const { file } = checked(
        z.object({ file: z.string() }),
        artifact.properties,
        `${folder}/manifest.json artifacts.${id}`,
      );
      readAssets(folder, file, assets);
    } else if (artifact.type === "cdk:cloud-assembly") {
      const where = `${folder}/manifest.json artifacts.${id}`;
      const { directoryName } = checked(z.object({ directoryName: z.string() }), artifact.properties, where);
      readFolder(inside(folder, directoryName), stacks, assets);
    }
  }
}

function readAssets(folder: string, file: string, assets: Map<string, FoundAsset>): void {
  const manifest = readFileJson(inside(folder, file), AssetManifestSchema);
  const images = Object.keys(manifest.dockerImages);
  if (images.length > 0) {
    throw new CountersignError(
      "CS-1203",
      `${folder}/${file}: container image assets (${images.join(", ")}) cannot run here; use a zip asset`,
    );
  }
  for (const { source, destinations } of Object.values(manifest.files)) {
    if (source.path === undefined) continue; // produced by a command at deploy time: assetFolder says so when it is used
    for (const { bucketName, objectKey } of Object.values(destinations)) {
      assets.set(objectKey, { path: inside(folder, source.path), packaging: source.packaging, bucketName });
    }
  }
}

function assetFolder(
  bucket: string,
  key: string,
  asset: FoundAsset | undefined,
  sub: (text: string) => string,
): string {
  if (!asset || sub(asset.bucketName) !== bucket) {
    throw new CountersignError(
      "CS-1203",
      `asset s3://${bucket}/${key} is in no asset manifest of the assembly; run \`npx cdk synth\` again`,
    );
  }
  const isFolder = statSync(asset.path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (asset.packaging !== "zip" || !isFolder) {
    throw new CountersignError(
      "CS-1203",
      `asset ${asset.path} is no folder to zip (packaging ${asset.packaging}); give the function a folder as code`,
    );
  }
  return asset.path;
}

function oneEnvironment(stacks: readonly FoundStack[]): { accountId: string; region: string } {
  const accounts = new Set<string>();
  const regions = new Set<string>();
  for (const { environment } of stacks) {
    const match = /^aws:\/\/([^/]+)\/([^/]+)$/.exec(environment);
    if (match?.[1] && match[1] !== "unknown-account") accounts.add(match[1]);
    if (match?.[2] && match[2] !== "unknown-region") regions.add(match[2]);
  }
  if (accounts.size > 1 || regions.size > 1) {
    throw new CountersignError(
      "CS-1204",
      `the stacks name accounts ${[...accounts].join(", ")} and regions ${[...regions].join(", ")}; the embedded cloud is one account in one region: synthesise without env`,
    );
  }
  return { accountId: [...accounts][0] ?? DEFAULT_ACCOUNT, region: [...regions][0] ?? DEFAULT_REGION };
}

function selected(stacks: readonly FoundStack[], only: readonly string[]): FoundStack[] {
  const byId = new Map(stacks.map((stack) => [stack.id, stack]));
  const chosen = new Set<FoundStack>();
  const choose = (stack: FoundStack): void => {
    if (chosen.has(stack)) return;
    chosen.add(stack);
    for (const id of stack.dependsOn) {
      const needed = byId.get(id);
      if (needed) choose(needed);
    }
  };
  for (const name of only) {
    const stack = stacks.find((each) => each.name === name);
    if (!stack) {
      throw new CountersignError(
        "CS-1205",
        `there is no stack ${name} in the assembly; there is ${stacks.map((each) => each.name).join(", ")}`,
      );
    }
    choose(stack);
  }
  return stacks.filter((stack) => chosen.has(stack));
}

function stackOrder(stacks: readonly FoundStack[]): readonly StackTemplate[] {
  const byId = new Map(stacks.map((stack) => [stack.id, stack]));
  const order = inDependencyOrder(new Map(stacks.map((stack) => [stack.id, stack.dependsOn])));
  if ("cycle" in order)
    throw new CountersignError("CS-1205", `stacks depend on each other in a cycle: ${order.cycle.join(" → ")}`);
  return order.flatMap((id) => byId.get(id) ?? []);
}

function readFileJson<T>(file: string, schema: z.ZodType<T>): T {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new CountersignError("CS-1201", `${file}: cannot be read (${String(error)}); run \`npx cdk synth\``);
  }
  const read = readJson(text, MAX_FILE_BYTES);
  if (!read.ok) throw new CountersignError("CS-1202", `${file}: ${read.why}; run \`npx cdk synth\` again`);
  return checked(schema, read.value, file);
}

function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new CountersignError("CS-1202", `${where}: ${z.prettifyError(result.error).replaceAll("\n", " ")}`);
}

/** A path of the manifest, kept inside the assembly's folder unless it is absolute (the CDK writes those for staged assets). */
function inside(folder: string, path: string): string {
  const full = resolve(folder, path);
  if (resolve(path) === path || full.startsWith(folder + sep)) return full;
  throw new CountersignError("CS-1202", `${folder}: path ${JSON.stringify(path)} leaves the assembly`);
}
