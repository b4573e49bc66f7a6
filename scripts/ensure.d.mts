/** folder of the project */
export const root: string;
/** Installs missing dependencies; answers with the seconds it took. */
export function ensureDependencies(): number;
