/**
 * The archive as a table that Athena reads, with saved queries, in a workgroup of auditors' own. Files are found by projection from their names:
 * there is no crawler, and a file counts as soon as it is there. Results are kept by Athena, encrypted, for a day: nobody needs to write to S3.
 */
import { ArnFormat, Size, Stack } from "aws-cdk-lib";
import * as athena from "aws-cdk-lib/aws-athena";
import * as glue from "aws-cdk-lib/aws-glue";
import { Construct } from "constructs";
import { ARCHIVE_COLUMNS, ARCHIVE_PARTITIONS, archiveFolder, SAVED_QUERIES } from "../audit/queries.js";
import { acknowledge, acknowledgeGuard } from "./findings.js";
import type { Permission } from "./permissions.js";

/** What one query may read: at five dollars a terabyte a quarter of a dollar. */
const MOST_READ = Size.gibibytes(50);
/** Before the first release there is nothing to find. */
const FIRST_DAY = "2026-01-01";
const TABLE = "events";

export interface ArchiveQueriesProps {
  readonly stage: string;
  readonly archiveBucket: string;
  /** names of the stage's workflows; at least one */
  readonly workflows: readonly string[];
}

export class ArchiveQueries extends Construct {
  private readonly database: string;
  private readonly workGroup: string;

  constructor(scope: Construct, id: string, { stage, archiveBucket, workflows }: ArchiveQueriesProps) {
    super(scope, id);
    this.database = `countersign_${stage.replaceAll("-", "_")}`;
    this.workGroup = `countersign-${stage}`;
    const catalogId = Stack.of(this).account;
    const database = new glue.CfnDatabase(this, "Database", {
      catalogId,
      databaseInput: { name: this.database, description: `Countersign ${stage}: the signed archive of the log` },
    });
    const table = new glue.CfnTable(this, "Table", {
      catalogId,
      databaseName: this.database,
      tableInput: {
        name: TABLE,
        description: "one row a record; docs/queries.md",
        tableType: "EXTERNAL_TABLE",
        partitionKeys: [...ARCHIVE_PARTITIONS],
        parameters: projection(archiveBucket, workflows),
        storageDescriptor: {
          columns: [...ARCHIVE_COLUMNS],
          location: `s3://${archiveBucket}/events/`,
          inputFormat: "org.apache.hadoop.mapred.TextInputFormat",
          outputFormat: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
          serdeInfo: { serializationLibrary: "org.openx.data.jsonserde.JsonSerDe" },
        },
      },
    });
    table.addResourceDependency(database);
    const workGroup = new athena.CfnWorkGroup(this, "WorkGroup", {
      name: this.workGroup,
      description: `Countersign ${stage}: auditors' questions about the archive`,
      // only history of queries goes with it
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        bytesScannedCutoffPerQuery: MOST_READ.toBytes(),
        publishCloudWatchMetricsEnabled: false,
        managedQueryResultsConfiguration: { enabled: true },
        engineVersion: { selectedEngineVersion: "Athena engine version 3" },
      },
    });
    const encrypted =
      "results are in Athena's own storage, which is always encrypted, and gone after a day; the rule knows results in S3 alone";
    acknowledge(workGroup, "AwsSolutions-ATH1", encrypted);
    acknowledgeGuard(workGroup, "athena_workgroup_results_encrypted_at_rest_check", encrypted);
    acknowledgeGuard(workGroup, "athena_workgroup_results_encrypted_at_rest_kms_check", encrypted);
    for (const { name, description, sql } of SAVED_QUERIES) {
      new athena.CfnNamedQuery(this, name, {
        name,
        description,
        database: this.database,
        workGroup: this.workGroup,
        queryString: sql,
      }).addResourceDependency(workGroup);
    }
  }

  /** Asking in this workgroup, about this table. The files themselves are read with what the asker may read of the archive. */
  get asking(): readonly Permission[] {
    const arn = (service: string, resource: string, resourceName?: string) =>
      Stack.of(this).formatArn({
        service,
        resource,
        ...(resourceName === undefined ? { arnFormat: ArnFormat.NO_RESOURCE_NAME } : { resourceName }),
      });
    return [
      {
        sid: "AskArchive",
        actions: [
          "athena:BatchGetNamedQuery",
          "athena:GetNamedQuery",
          "athena:GetQueryExecution",
          "athena:GetQueryResults",
          "athena:GetWorkGroup",
          "athena:ListNamedQueries",
          "athena:StartQueryExecution",
          "athena:StopQueryExecution",
        ],
        resources: [arn("athena", "workgroup", this.workGroup)],
      },
      {
        sid: "ReadArchiveTable",
        actions: ["glue:GetDatabase", "glue:GetTable"],
        resources: [
          arn("glue", "catalog"),
          arn("glue", "database", this.database),
          arn("glue", "table", `${this.database}/${TABLE}`),
        ],
      },
    ];
  }
}

function projection(bucket: string, workflows: readonly string[]): Record<string, string> {
  return {
    EXTERNAL: "TRUE",
    classification: "json",
    "projection.enabled": "true",
    "projection.workflow.type": "enum",
    "projection.workflow.values": [...workflows].sort().join(","),
    "projection.day.type": "date",
    "projection.day.format": "yyyy-MM-dd",
    "projection.day.range": `${FIRST_DAY},NOW`,
    "projection.day.interval": "1",
    "projection.day.interval.unit": "DAYS",
    "storage.location.template": `s3://${bucket}/${archiveFolder(placeholder("workflow"), placeholder("day"))}`,
  };
}

/** What Athena puts a partition's value in place of. */
const placeholder = (partition: string): string => `\${${partition}}`;
