/** As much of XMLHttpRequest as `dicomweb-client` uses, on fetch; independent of the one that the product brings. */
export class FetchXmlHttpRequest {
  responseType = '';
  status = 0;
  readyState = 0;
  statusText = '';
  response: unknown = null;
  onreadystatechange: (() => void) | undefined;
  readonly upload = {};
  readonly #headers: Record<string, string> = {};
  #method = 'GET';
  #url = '';
  #answer = new Headers();

  open(method: string, url: string): void {
    this.#method = method;
    this.#url = url;
  }

  setRequestHeader(name: string, value: string): void {
    this.#headers[name] = value;
  }

  getResponseHeader(name: string): string | null {
    return this.#answer.get(name);
  }

  getAllResponseHeaders(): string {
    return [...this.#answer].map(([name, value]) => `${name}: ${value}`).join('\r\n');
  }

  send(body?: ArrayBuffer): void {
    void this.#exchange(body).finally(() => {
      this.readyState = 4;
      this.onreadystatechange?.();
    });
  }

  async #exchange(body?: ArrayBuffer): Promise<void> {
    try {
      const headers = { ...this.#headers, 'Accept-Encoding': 'identity' };
      const response = await fetch(this.#url, { method: this.#method, headers, ...(body && { body }) });
      const bytes = await response.arrayBuffer();
      this.#answer = response.headers;
      const text = (): string => Buffer.from(bytes).toString();
      this.response =
        this.responseType === 'arraybuffer'
          ? bytes
          : this.responseType === 'json' && bytes.byteLength > 0
            ? JSON.parse(text())
            : text();
      this.status = response.status;
    } catch {
      this.status = 0;
    }
  }
}
