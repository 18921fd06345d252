/** URLs of servers, as the configuration may name them. */

/** @returns what is wrong, each naming its key; an address that is absent is left out */
export function complaintsOfUrls(
  keys: Readonly<Record<string, string | undefined>>,
  schemes: readonly string[] = ['http', 'https'],
): readonly string[] {
  return Object.entries(keys).flatMap(([key, text]) => {
    if (text === undefined) return [];
    const url = URL.parse(text);
    const isRight = url !== null && schemes.includes(url.protocol.slice(0, -1));
    if (!isRight) return [`${key} must be a URL with ${schemes.join(' or ')}`];
    // It would be logged with the URL.
    return url.username + url.password === '' ? [] : [`${key} must be a URL without user name and password`];
  });
}
