import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { expect, test } from '@jest/globals';
import { compileModulesEagerly } from '../../scripts/eager-compilation.ts';

test('the modules of a bundle get parentheses and do the same as before', () => {
  const bundle = 'var m={12:(e,t)=>{t.a=e+1},7:function(e,t){t.b=()=>({1:2})},3:e=>{e.c=3}};';
  const run = (code: string): unknown =>
    new Function(`${code}var t={};m[12](1,t);m[7](0,t);m[3](t);return [t.a,t.b()[1],t.c]`)();
  const marked = compileModulesEagerly(bundle, 'script');
  expect(marked).toBe(
    'var m={12:(function(e,t){t.a=e+1}),7:(function(e,t){t.b=()=>({1:2})}),3:(function(e){e.c=3})};',
  );
  expect(run(marked)).toEqual(run(bundle));
});

test('other objects stay as they are', () => {
  const code = 'const a={1:2,x:function(){return 1}},b={f:()=>{}},c={};';
  expect(compileModulesEagerly(code, 'module')).toBe(code);
});

test('V8 compiles a marked module when it loads the file, and any other only when it is called', () => {
  const statements = Array.from({ length: 500 }, (_, index) => `t[${index}]=e+${index};`).join('');
  const bundle = `var m={1:(e,t)=>{${statements}}};`;
  // The code cache of a script that has not run holds exactly the functions that V8 compiled at once.
  const compiledBytes = (code: string): number => new Script(code).createCachedData().length;
  expect(compiledBytes(bundle)).toBeLessThan(2000);
  expect(compiledBytes(compileModulesEagerly(bundle, 'script'))).toBeGreaterThan(5000);
});

test.each(['dist/main/index.js', 'ado-task/EntraAppToken/index.js'])('%s has marked modules', (file) => {
  expect(readFileSync(file, 'utf8')).toMatch(/\d+:\(function\(/u);
});
