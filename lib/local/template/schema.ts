import * as z from "zod";

/** What a CloudFormation template may contain here. Strict: a section or attribute that is not modelled is refused. */
export const TemplateSchema = z.strictObject({
  AWSTemplateFormatVersion: z.string().optional(),
  Description: z.string().optional(),
  // Metadata only informs people and tools; CloudFormation itself does nothing with it either.
  Metadata: z.record(z.string(), z.unknown()).optional(),
  Parameters: z
    .record(
      z.string(),
      z.strictObject({
        Type: z.string(),
        Default: z.union([z.string(), z.number()]).optional(),
        Description: z.string().optional(),
      }),
    )
    .default({}),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Rules: z.record(z.string(), z.unknown()).default({}),
  Resources: z
    .record(
      z.string(),
      z.strictObject({
        Type: z.string(),
        Properties: z.record(z.string(), z.unknown()).default({}),
        Metadata: z.record(z.string(), z.unknown()).default({}),
        DependsOn: z.union([z.string().transform((id) => [id]), z.array(z.string())]).default([]),
        Condition: z.string().optional(),
        // Both speak about updates and deletions of a stack; the embedded cloud does neither.
        DeletionPolicy: z.string().optional(),
        UpdateReplacePolicy: z.string().optional(),
      }),
    )
    .default({}),
  Outputs: z
    .record(
      z.string(),
      z.strictObject({
        Value: z.unknown(),
        Description: z.string().optional(),
        Export: z.strictObject({ Name: z.unknown() }).optional(),
        Condition: z.string().optional(),
      }),
    )
    .default({}),
});
export type Template = z.infer<typeof TemplateSchema>;
export type TemplateResource = Template["Resources"][string];

const ArtifactSchema = z.object({
  type: z.string(),
  environment: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
  dependencies: z.array(z.string()).default([]),
});
/** `manifest.json`. Loose where the CDK adds information that deploying does not need. */
export const ManifestSchema = z.object({
  version: z.string(),
  artifacts: z.record(z.string(), ArtifactSchema).default({}),
});
export const StackPropertiesSchema = z.object({
  templateFile: z.string(),
  stackName: z.string().optional(),
  parameters: z.record(z.string(), z.string()).default({}),
});
export const AssetManifestSchema = z.object({
  version: z.string(),
  files: z
    .record(
      z.string(),
      z.object({
        source: z.object({ path: z.string().optional(), packaging: z.enum(["file", "zip"]).default("file") }),
        destinations: z.record(z.string(), z.object({ bucketName: z.string(), objectKey: z.string() })),
      }),
    )
    .default({}),
  dockerImages: z.record(z.string(), z.unknown()).default({}),
});
