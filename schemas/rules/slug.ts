const longest = 63

/**
 * Turns a name into the slug by which addresses and the provider know it (R3a): Unicode NFKD, marks
 * stripped, lower case, every run of other than a–z and 0–9 becomes one "-", none at the ends, at
 * most 63 characters. The empty string means that the name has no Latin letter or digit.
 */
export function slugify(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longest + 1)
    .replace(/^-/, '')
    .slice(0, longest)
    .replace(/-$/, '')
}
