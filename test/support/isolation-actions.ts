const words = (text: string): string[] => text.trim().split(/\s+/);

/**
 * The actions that the isolation tests try, by service: what the embedded cloud runs, and those beside it with which a role could
 * widen itself on AWS. A granted action that is missing here fails the tests: the generator would not know its neighbours.
 */
export const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  dynamodb: words(`
    GetItem BatchGetItem Query Scan ConditionCheckItem PartiQLSelect GetRecords GetShardIterator DescribeStream ListStreams PutItem
    UpdateItem DeleteItem BatchWriteItem PartiQLInsert PartiQLUpdate PartiQLDelete DescribeTable UpdateTable
    DeleteTable UpdateTimeToLive UpdateContinuousBackups CreateBackup GetResourcePolicy PutResourcePolicy
    DeleteResourcePolicy ExportTableToPointInTime RestoreTableToPointInTime EnableKinesisStreamingDestination
    ImportTable ReplicateSettings TagResource
  `),
  s3: words(`
    GetObject GetObjectVersion GetObjectAttributes GetObjectTagging ListBucket ListBucketVersions
    GetBucketPolicy PutObject DeleteObject DeleteObjectVersion PutObjectAcl PutObjectTagging RestoreObject
    ReplicateObject PutObjectRetention PutObjectLegalHold BypassGovernanceRetention PutBucketPolicy
    DeleteBucketPolicy PutLifecycleConfiguration PutBucketVersioning PutEncryptionConfiguration DeleteBucket
  `),
  kms: words(`
    Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext Sign Verify
    DescribeKey GetPublicKey CreateGrant PutKeyPolicy ScheduleKeyDeletion DisableKey UpdateAlias
  `),
  secretsmanager: words(`
    GetSecretValue DescribeSecret ListSecretVersionIds PutSecretValue UpdateSecret UpdateSecretVersionStage
    DeleteSecret PutResourcePolicy RotateSecret ReplicateSecretToRegions
  `),
  lambda: words(`
    InvokeFunction InvokeFunctionUrl InvokeAsync GetFunction UpdateFunctionCode UpdateFunctionConfiguration
    AddPermission CreateFunctionUrlConfig PutFunctionEventInvokeConfig DeleteFunction PublishLayerVersion
  `),
  states: words(`
    StartExecution StartSyncExecution StopExecution RedriveExecution DescribeExecution ListExecutions
    GetExecutionHistory SendTaskSuccess SendTaskFailure SendTaskHeartbeat DescribeStateMachine
    ListStateMachines CreateStateMachine UpdateStateMachine DeleteStateMachine TestState GetActivityTask
  `),
  verifiedpermissions: words(`
    IsAuthorized IsAuthorizedWithToken GetPolicy ListPolicies GetSchema GetPolicyStore CreatePolicy
    UpdatePolicy DeletePolicy PutSchema UpdatePolicyStore DeletePolicyStore CreateIdentitySource
  `),
  bedrock: words(`
    InvokeModel InvokeModelWithResponseStream InvokeAgent Retrieve CreateModelInvocationJob
    PutFoundationModelEntitlement
  `),
  logs: words(`
    CreateLogStream PutLogEvents CreateLogGroup GetLogEvents FilterLogEvents StartQuery DeleteLogStream
    DeleteLogGroup PutRetentionPolicy PutSubscriptionFilter PutResourcePolicy
  `),
  ses: words(`
    SendEmail SendRawEmail SendBulkEmail CreateEmailIdentity PutEmailIdentityMailFromAttributes
    CreateEmailIdentityPolicy
  `),
  cloudformation: words(`
    DescribeStacks ListStacks DescribeStackResources GetTemplate CreateStack UpdateStack DeleteStack
    CreateChangeSet ExecuteChangeSet SetStackPolicy
  `),
  scheduler: words(`
    CreateSchedule GetSchedule UpdateSchedule DeleteSchedule ListSchedules CreateScheduleGroup DeleteScheduleGroup
  `),
  iam: words(`
    PassRole GetRole UpdateRole DeleteRole TagRole
  `),
  athena: words(`
    StartQueryExecution StopQueryExecution GetQueryExecution GetQueryResults GetWorkGroup GetNamedQuery BatchGetNamedQuery
    ListNamedQueries ListQueryExecutions CreateNamedQuery UpdateNamedQuery DeleteNamedQuery UpdateWorkGroup DeleteWorkGroup
    CreatePreparedStatement StartSession
  `),
  glue: words(`
    GetDatabase GetTable GetTables GetPartitions CreateTable UpdateTable DeleteTable CreateDatabase UpdateDatabase DeleteDatabase
    BatchCreatePartition PutResourcePolicy
  `),
  "execute-api": words(`
    Invoke InvalidateCache ManageConnections
  `),
};

/** What no role of the templates may do to anything: the ways to become someone else, and services that nothing here uses. */
export const NOBODYS: readonly string[] = words(`
  iam:CreateRole iam:PutRolePolicy iam:AttachRolePolicy iam:UpdateAssumeRolePolicy
  iam:CreateAccessKey sts:AssumeRole sts:GetFederationToken events:PutEvents events:PutRule events:PutTargets
  events:DisableRule sns:Publish sqs:SendMessage apigateway:PATCH apigateway:POST
  ssm:GetParameter cloudtrail:StopLogging organizations:LeaveOrganization ec2:RunInstances
  codebuild:StartBuild logs:DescribeLogGroups
`);

/** Actions that AWS checks against `*` alone: they name no resource. */
export const WITHOUT_RESOURCE: ReadonlySet<string> = new Set([
  "states:SendTaskSuccess",
  "states:SendTaskFailure",
  "states:SendTaskHeartbeat",
  "dynamodb:ListStreams",
]);

export const allActions = (): string[] =>
  Object.entries(ACTIONS).flatMap(([service, names]) => names.map((name) => `${service}:${name}`));
