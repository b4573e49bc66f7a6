/** A browser without scripts: follows redirects and keeps cookies by origin. */
export class Visitor {
  /** @param base of paths */
  constructor(private readonly base: string) {}
  private readonly jar = new Map<string, Map<string, string>>();

  async go(target: string, init: RequestInit = {}): Promise<{ status: number; body: string; url: string }> {
    let next = { target, init };
    for (let hop = 0; hop < 15; hop++) {
      const { origin } = new URL(next.target);
      const jar = this.jar.get(origin) ?? new Map<string, string>();
      this.jar.set(origin, jar);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
      const answer = await fetch(next.target, {
        ...next.init,
        headers: { ...Object.fromEntries(new Headers(next.init.headers)), ...(cookie === "" ? {} : { cookie }) },
        redirect: "manual",
      });
      for (const line of answer.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === "" || /max-age=0/i.test(line)) jar.delete(name);
        else jar.set(name, value);
      }
      const to = answer.headers.get("location");
      if (to === null) return { status: answer.status, body: await answer.text(), url: next.target };
      next = { target: new URL(to, next.target).href, init: {} };
    }
    throw new Error("too many redirects");
  }

  cookies(): string {
    return [...(this.jar.get(new URL(this.base).origin) ?? [])].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async signIn(email: string, to: string) {
    const choice = await this.go(new URL(`/sign-in?to=${encodeURIComponent(to)}`, this.base).href);
    return this.go(`${choice.url}?as=${encodeURIComponent(email)}`, { method: "POST" });
  }
}
export const form = (fields: Readonly<Record<string, string>>): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: new URLSearchParams(fields).toString(),
});
export const csrfOf = (body: string) => /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? "";
