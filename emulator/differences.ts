/** One thing that Bitbucket does and its OpenAPI does not say, or says otherwise. */
export interface Difference {
  readonly what: string
  /**
   * Where: `RestWebhook.id` is a key of a schema (`*` for any schema), `* 429` a status of any operation,
   * `GET /rest/… 200` one operation's.
   */
  readonly where: readonly string[]
  /** SPEC, LIVE, CODE and DOC: another page of Atlassian's, a live server, an integration's code, documentation. */
  readonly source: string
}

const webhook = '/rest/api/latest/projects/{projectKey}/repos/{repositorySlug}/webhooks'
const projectWebhook = '/rest/api/latest/projects/{projectKey}/webhooks'

/** All that the check of the emulator's answers against the OpenAPI has to forgive, and why. */
export const differences: readonly Difference[] = [
  {
    what: 'a webhook has a numeric id',
    where: ['RestWebhook.id'],
    source: 'LIVE every real body; webhook_created_response.json of the Jenkins plugin for Bitbucket Server',
  },
  {
    what: 'a webhook has dates, as numbers, from 10.3 on as text',
    where: ['RestWebhook.createdDate', 'RestWebhook.updatedDate'],
    source: 'LIVE every real body; CODE drone/go-scm 3805ae0c for the text',
  },
  {
    what: 'the context of an error is null where no field is meant',
    where: ['RestErrorMessage.context'],
    source: 'CODE repository-not-exist.json of cdancy/bitbucket-rest',
  },
  {
    what: 'the exceptionName of an error is null where a field was refused',
    where: ['RestErrorMessage.exceptionName'],
    source: 'CODE errors.json of cdancy/bitbucket-rest',
  },
  {
    what: 'a path has itself as text under the key toString',
    where: ['RestChange.path.toString', 'RestChange.srcPath.toString'],
    source: 'CODE bitbucket-server-get-pull-changes.json of runatlantis/atlantis',
  },
  {
    what: 'a change has properties with the kind of change that git names',
    where: ['RestChange.properties'],
    source: 'CODE bitbucket-server-get-pull-changes.json of runatlantis/atlantis',
  },
  {
    what: 'the last page of some lists has nextPageStart null',
    where: ['*.nextPageStart'],
    source: 'CODE bitbucket-server-get-pull-changes.json of runatlantis/atlantis, file-contents.json of Jenkins',
  },
  {
    what: 'an access token tells its permissions',
    where: ['RestAccessToken.permissions', 'RestRawAccessToken.permissions'],
    source: 'LIVE answers of the creation of a token',
  },
  {
    what: 'the times of an invocation are milliseconds since 1970, more than 32 bits hold',
    where: ['RestDetailedInvocation.start', 'RestDetailedInvocation.finish'],
    source: 'CODE a TypeScript client of the statistics; SPEC the same field as int64 elsewhere',
  },
  {
    what: 'creating and testing webhooks fails with 500 over an input that should be refused',
    where: [
      `POST ${webhook} 500`,
      `POST ${webhook}/test 500`,
      `PUT ${webhook}/{webhookId} 500`,
      `POST ${projectWebhook} 500`,
      `POST ${projectWebhook}/test 500`,
      `PUT ${projectWebhook}/{webhookId} 500`,
    ],
    source: 'CODE argo-events pull request 1902 (empty secret); LIVE test of a webhook without url',
  },
  {
    what: 'a webhook that is replaced by something invalid is refused with 400',
    where: [`PUT ${webhook}/{webhookId} 400`, `PUT ${projectWebhook}/{webhookId} 400`],
    source: 'LIVE a PUT with the name alone is rejected for the missing url and events',
  },
  {
    what: 'the keys of the events that webhooks know can be asked for',
    where: ['GET /rest/webhooks/latest/capabilities'],
    source: 'CODE webhook-capabilities-response.json of the Jenkins plugin for Bitbucket Server',
  },
  {
    what: 'a file has an address in the web interface, which serves its bytes',
    where: ['GET /projects/{projectKey}/repos/{repositorySlug}/raw/{path}'],
    source: 'CODE spacelift-io/vcs-agent 7bca01b9, its list of allowed requests',
  },
  {
    what: 'the list of users is a page',
    where: ['size', 'limit', 'isLastPage', 'values', 'start'].map((key) => `RestApplicationUser.${key}`),
    source: 'SPEC the description of getUsers_2, "a page of users", where its schema is one user',
  },
  {
    what: 'a branch says isDefault, not default',
    where: ['*.isDefault'],
    source: 'CODE branches.json of the Jenkins plugin for Bitbucket Server',
  },
  {
    what: 'a missing permission is a 401 where the operation declares none',
    where: ['* 401'],
    source: 'LIVE AuthorisationException and AuthenticationRequiredException',
  },
  {
    what: 'a project, repository or token that does not exist is a 404 where the operation declares none',
    where: ['* 404'],
    source: 'LIVE NoSuchProjectException and NoSuchRepositoryException',
  },
  {
    what: 'an argument that cannot be is a 400 where the operation declares none',
    where: ['* 400'],
    source: 'LIVE ArgumentValidationException and DuplicateRefException',
  },
  {
    what: 'a token cannot make tokens: 403',
    where: ['* 403'],
    source: 'DOC HTTP access tokens; SPEC editFile for a token without a user',
  },
  {
    what: 'the webhooks of an archived repository cannot be changed: 409',
    where: ['* 409'],
    source: 'SPEC updateRepository, of the repository itself; not observed for its webhooks',
  },
  {
    what: 'a webhook of a project that was never delivered to answers 204 to the question for its latest invocation',
    where: [`GET ${projectWebhook}/{webhookId}/latest 204`],
    source: 'SPEC getLatestInvocation_1, which declares it for a repository',
  },
  {
    what: 'too many requests are a 429 with Retry-After in seconds',
    where: ['* 429'],
    source: 'LIVE 10.4.2',
  },
  {
    what: 'from 10.3 on the times of commits are text',
    where: ['*.authorTimestamp', '*.committerTimestamp'],
    source: 'CODE drone/go-scm 3805ae0c; JENKINS-76457',
  },
  {
    what: 'from 10.3 on the times of a build status are text',
    where: ['*.createdDate', '*.updatedDate'],
    source: 'CODE drone/go-scm 3805ae0c, of dates in general',
  },
  {
    what: 'a personal project has an owner',
    where: ['RestProject.owner', 'RestRepository.project.owner'],
    source: 'CODE repo-refs-changed.json of go-playground/webhooks',
  },
]
