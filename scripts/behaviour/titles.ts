import ts from 'typescript'

/** The title of one test, with where it is written. */
export interface TestTitle {
  readonly title: string
  readonly place: string
}

/**
 * Finds the titles of the tests in a source file: of `test(…)` and `it(…)`, of their variants (`test.for(table)(…)`,
 * `test.skipIf(condition)(…)`), and, where the title is `$name`, the `name` of each row of the file's tables. A test
 * that never runs (`test.skip`, `test.todo`) proves nothing and is not listed.
 */
export function testTitles(file: string, source: string): TestTitle[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const titles: TestTitle[] = []
  const tables = new Set<string>()
  visit(tree, (node) => {
    if (!ts.isCallExpression(node) || !isTest(node.expression)) return
    const title = textOf(node.arguments[0])
    const [, column] = /^\$([A-Za-z]\w*)/.exec(title ?? '') ?? []
    if (column !== undefined) tables.add(column)
    else if (title !== undefined) titles.push({ title, place: placeOf(tree, node) })
  })
  visit(tree, (node) => {
    if (!ts.isPropertyAssignment(node) || !tables.has(node.name.getText())) return
    const title = textOf(node.initializer)
    if (title !== undefined) titles.push({ title, place: placeOf(tree, node) })
  })
  return titles
}

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node)
  node.forEachChild((child) => visit(child, look))
}

/** Whether a callee is `test` or `it`, perhaps through `.for(…)`, `.concurrent` and their like. */
function isTest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'test' || callee.text === 'it'
  if (ts.isCallExpression(callee)) return ts.isPropertyAccessExpression(callee.expression) && isTest(callee.expression)
  if (ts.isTaggedTemplateExpression(callee)) return isTest(callee.tag)
  if (!ts.isPropertyAccessExpression(callee)) return false
  return !['skip', 'todo', 'extend'].includes(callee.name.text) && isTest(callee.expression)
}

/** A literal's text, or what a template literal begins with: an id has to stand there. */
function textOf(node: ts.Expression | undefined): string | undefined {
  if (node === undefined) return undefined
  if (ts.isStringLiteralLike(node)) return node.text
  return ts.isTemplateExpression(node) ? node.head.text : undefined
}

function placeOf(tree: ts.SourceFile, node: ts.Node): string {
  return `${tree.fileName}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
}
