import { beforeAll, expect, test } from 'vitest'
import { needs } from '../support/left-out.ts'
import { openStage, type Stage } from './stage.ts'

needs('terraform')('x', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  test('R130 x', async () => {
    const workspace = await stage.open('resource "mooring_space" "a" {\n name = "A"\n}\n')
    console.time('apply'); await workspace.apply(); console.timeEnd('apply')
    console.time('plan'); await workspace.expectNoChanges(); console.timeEnd('plan')
    expect(await workspace.addresses()).toEqual(['mooring_space.a'])
  })
})
