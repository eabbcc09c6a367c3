import { parseBitbucketUrl } from '../../schemas/rules/bitbucket-url.ts'
import { defineFunction, FunctionError } from '../framework/provider.ts'

export const parseBitbucketUrlFunction = defineFunction({
  name: 'parse_bitbucket_url',
  summary: 'Reads host, project key and repository slug from an address of Bitbucket',
  description:
    'Takes clone addresses over HTTP and SSH, and addresses of pages below a repository. project_key is in upper case, or ~user for a personal repository.',
  parameters: [{ name: 'url', type: 'string', description: 'The address, as people copy it.' }],
  returns: [
    'object',
    { host: 'string', context_path: 'string', project_key: 'string', repository_slug: 'string', personal: 'bool' },
  ],
  call([url]) {
    const parsed = parseBitbucketUrl(url)
    if (!parsed.ok) throw new FunctionError(`This is no address of a Bitbucket repository: ${parsed.error}.`, 0)
    const { host, contextPath, projectKey, repositorySlug, personal } = parsed.value
    return { host, context_path: contextPath, project_key: projectKey, repository_slug: repositorySlug, personal }
  },
})
