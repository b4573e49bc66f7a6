/** What a stage with Slack needs besides its own AWS account. */
export const SLACK_HOST = "slack.com";

/** Names of the secrets below `countersign/<stage>/`; a person puts the values in. Tools cannot have them. */
export const SLACK_SECRETS = { signing: "slack-signing-secret", botToken: "slack-bot-token" } as const;
