import type { IntegrationRow } from '../store/integrations.ts'

/** What is dangerous about an integration as it is: told at each save, and whenever it is shown (S23, S38). */
export function warningsOf(row: Pick<IntegrationRow, 'api_host' | 'is_default' | 'repository_access'>): string[] {
  return [
    ...(/^http:/i.test(row.api_host)
      ? ['apiHost is http: the token, and all that is read with it, travels unencrypted. Use https.']
      : []),
    ...(row.is_default === 1 && row.repository_access === null
      ? [
          'Every stack and module of the account may use every repository that the token of this default integration reads. Narrow it with repositoryAccess.',
        ]
      : []),
    ...(row.repository_access === '[]'
      ? ['No repository may be used through this integration until repositoryAccess grants some.']
      : []),
  ]
}
