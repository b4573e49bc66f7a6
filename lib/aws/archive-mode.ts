/** Whether an administrator may lift an object's retention (`governance`) or nobody may (`compliance`). */
export const ARCHIVE_MODES = ["governance", "compliance"] as const;
export type ArchiveMode = (typeof ARCHIVE_MODES)[number];
