import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { compileModulesAtOnce } from '../../scripts/eager-modules.ts';

test('a bundle’s modules are put in parentheses and do what they did', () => {
  const bundle = 'var m={12:(e,t)=>{t.a=e+1},7:function(e,t){t.b=()=>({1:2})},3:e=>{e.c=3}};';
  const run = (code: string): unknown =>
    new Function(`${code}var t={};m[12](1,t);m[7](0,t);m[3](t);return [t.a,t.b()[1],t.c]`)();
  const marked = compileModulesAtOnce(bundle, 'script');
  expect(marked).toBe(
    'var m={12:(function(e,t){t.a=e+1}),7:(function(e,t){t.b=()=>({1:2})}),3:(function(e){e.c=3})};',
  );
  expect(run(marked)).toEqual(run(bundle));
});

test('other objects are left as they are', () => {
  const code = 'const a={1:2,x:function(){return 1}},b={f:()=>{}},c={};';
  expect(compileModulesAtOnce(code, 'module')).toBe(code);
});

test.each(['dist/main/index.js', 'ado-task/EntraAppToken/index.js'])('%s is marked', (file) => {
  expect(readFileSync(file, 'utf8')).toMatch(/\d+:\(function\(/u);
});
