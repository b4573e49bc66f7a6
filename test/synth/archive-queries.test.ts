import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { ARCHIVE_COLUMNS, SAVED_QUERIES } from "../../lib/audit/queries.js";
import { archiveKey } from "../../lib/run/keys.js";
import { flat, grants, ofType, synthFixture, type Template } from "./harness.js";

let plane: Template;
beforeAll(async () => {
  ({ plane } = await synthFixture());
});

const tableProperties = z.object({
  DatabaseName: z.string(),
  TableInput: z.object({
    Name: z.string(),
    PartitionKeys: z.array(z.object({ Name: z.string() })),
    Parameters: z.record(z.string(), z.unknown()),
    StorageDescriptor: z.object({
      Columns: z.array(z.object({ Name: z.string(), Type: z.string() })),
      Location: z.unknown(),
    }),
  }),
});
function only(type: string) {
  const [[, found], ...more] = z
    .tuple([z.tuple([z.string(), z.object({ Properties: z.unknown() })])])
    .rest(z.unknown())
    .parse(ofType(plane, type));
  expect(more).toEqual([]);
  return found.Properties;
}

const placeholder = (partition: string) => `\${${partition}}`;

describe("the archive's table", () => {
  it("has the columns of a line, and is projected onto the names that the notary gives its files", () => {
    const { TableInput } = tableProperties.parse(only("AWS::Glue::Table"));
    expect(TableInput.StorageDescriptor.Columns.map(({ Name }) => Name)).toEqual(
      ARCHIVE_COLUMNS.map(({ name }) => name),
    );
    expect(TableInput.PartitionKeys.map(({ Name }) => Name)).toEqual(["workflow", "day"]);
    const parameters = TableInput.Parameters;
    const template = flat(parameters["storage.location.template"]);
    const [, prefix = ""] = /^s3:\/\/[^/]+\/(.*)$/.exec(template) ?? [];
    const workflows = String(parameters["projection.workflow.values"]).split(",");
    expect(workflows).toEqual(["parcel-claim"]);
    for (const workflow of workflows) {
      const folder = prefix.replace(placeholder("workflow"), workflow).replace(placeholder("day"), "2026-11-24");
      const key = archiveKey.events({ workflow, day: "2026-11-24", tenant: "acme", runId: "run-1" }, 17);
      expect(key.startsWith(folder)).toBe(true);
      expect(folder.endsWith("/day=2026-11-24/")).toBe(true);
    }
    expect(parameters).toMatchObject({
      "projection.enabled": "true",
      "projection.day.type": "date",
      "projection.day.format": "yyyy-MM-dd",
      "projection.day.range": "2026-01-01,NOW",
    });
  });

  it("is asked in a workgroup that nobody's settings override, with a bound on what a query reads", () => {
    expect(only("AWS::Athena::WorkGroup")).toMatchObject({
      WorkGroupConfiguration: {
        EnforceWorkGroupConfiguration: true,
        BytesScannedCutoffPerQuery: 50 * 1024 ** 3,
        ManagedQueryResultsConfiguration: { Enabled: true },
      },
    });
    const queries = ofType(plane, "AWS::Athena::NamedQuery").map(([, { Properties }]) => Properties);
    expect(queries).toHaveLength(SAVED_QUERIES.length);
    for (const query of queries)
      expect(query).toMatchObject({ Database: "countersign_dev", WorkGroup: "countersign-dev" });
  });

  it("is asked by auditors, and by nobody else; they change no table, no workgroup and no query", () => {
    const asking = [...grants(plane)].filter(([, statements]) =>
      statements.some(({ Action }) => [Action].flat().some((action) => /^(athena|glue):/.test(action))),
    );
    expect(asking.map(([role]) => role)).toEqual([expect.stringContaining("Auditor")]);
    const statements = asking
      .flatMap(([, all]) => all)
      .filter(({ Action }) => [Action].flat().some((action) => /^(athena|glue):/.test(action)));
    const actions = statements.flatMap(({ Action }) => [Action].flat());
    for (const action of actions) expect(action).toMatch(/^(athena:(BatchGet|Get|List|Start|Stop)|glue:Get)\w+$/);
    expect(actions.filter((action) => /Start|Stop/.test(action)).sort()).toEqual([
      "athena:StartQueryExecution",
      "athena:StopQueryExecution",
    ]);
    for (const { Resource } of statements)
      for (const resource of [Resource].flat().map(flat))
        expect(resource).toMatch(
          /:workgroup\/countersign-dev$|:catalog$|:database\/countersign_dev$|:table\/countersign_dev\/events$/,
        );
  });

  it("adds a handful of resources to the stage", () => {
    const added = Object.values(plane.Resources).filter(({ Type }) => /^AWS::(Glue|Athena)::/.test(Type));
    expect(added.length).toBeLessThan(15);
  });
});
