import { Environment, secretVariables } from '../configuration.ts'

/** What `--help` shows below the commands: every variable, and what an admin has to prepare. */
export function environmentHelp(): string {
  const secrets: readonly string[] = secretVariables
  const variables = Object.entries(Environment.shape).map(([name, schema]) => {
    const isRequired = !schema.safeParse(undefined).success
    const standard = schema.safeParse(undefined).data
    const facts = [
      isRequired ? 'required' : standard === undefined ? 'optional' : `default ${String(standard)}`,
      ...(secrets.includes(name) ? [`or ${name}_FILE, the path of a file that holds it`] : []),
    ]
    return [`  ${name} (${facts.join('; ')})`, ...wrap(schema.description ?? '', 90).map((line) => `      ${line}`)]
  })
  return [
    '',
    'Before the first start:',
    ...preparation.map((line) => `  ${line}`),
    '',
    'Environment:',
    ...variables.flat(),
  ].join('\n')
}

const preparation = [
  '1. In Mooring, create an API key of the role webhook-registrar for the space whose integrations',
  '   you want to look after (root: all).',
  '2. In Bitbucket, create an HTTP access token with REPO_ADMIN on the repositories. The read token of',
  '   the integration is not enough: even looking at webhooks takes REPO_ADMIN.',
  '3. Set the variables below, and run "bitbucket-hook plan": it shows what would be written, and writes',
  '   nothing. Then "bitbucket-hook apply" once, or "bitbucket-hook serve" for good.',
]

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
