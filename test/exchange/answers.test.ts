import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Answer, type AnswerClass, classifyAnswer, possibleTokens } from '../../src/exchange/answers.ts';
import type { ErrorResponse, Leg } from '../../src/exchange/errors.ts';

const host = 'login.example';
const classify = (leg: Leg, status: number, body: unknown, more: Partial<Answer> = {}): AnswerClass =>
  classifyAnswer(leg, host, {
    status,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...more,
  });
const unusable = (leg: Leg, status: number, reason: string, found = ''): object => ({
  kind: 'failure',
  failure: { kind: 'unusable-answer', leg, host, status, reason, found },
});
function response(leg: Leg, status: number, body: unknown): ErrorResponse {
  const answer = classify(leg, status, body);
  if (answer.kind !== 'failure' || answer.failure.kind !== 'error-response') {
    throw new Error(`not an error response: ${JSON.stringify(answer)}`);
  }
  return answer.failure.response;
}
const reason = (leg: Leg, status: number, body: unknown = {}): string | undefined => {
  const answer = classify(leg, status, body);
  return answer.kind === 'failure' ? answer.reason : undefined;
};
const token = 'a.b.cccccccccccccccc';

describe('a token', () => {
  test.each([
    ['entra', { access_token: token, expires_in: 3599 }],
    ['entra', { access_token: token, expires_in: '3599' }],
    ['identity', { access_token: token, expires_on: '4102444800' }],
    ['identity', { access_token: token, expires_on: 4102444800 }],
    ['identity', { access_token: token, expires_on: '2099-01-01T00:00:00+00:00' }],
  ] as const)('%s %j', (leg, body) => {
    expect(classify(leg, 200, body)).toEqual({ kind: 'token' });
  });
});

describe('exactly 200 is a success', () => {
  test.each([201, 202, 203, 204, 206, 299])('%i with a token', (status) => {
    for (const leg of ['identity', 'entra'] as const) {
      const body = { access_token: token, expires_in: 3599, expires_on: '4102444800' };
      expect(classify(leg, status, body)).toEqual(unusable(leg, status, 'status'));
    }
  });

  test('204 without a body', () => {
    expect(classify('entra', 204, '')).toEqual(unusable('entra', 204, 'status'));
  });
});

test('101 without a body is no broken JSON', () => {
  expect(classify('entra', 101, '')).toEqual(unusable('entra', 101, 'status'));
});

describe('the size of a token', () => {
  const sized = (leg: Leg, length: number) =>
    classify(leg, 200, {
      [leg === 'registry' ? 'refresh_token' : 'access_token']: 'x'.repeat(length),
      expires_in: 3599,
      expires_on: '4102444800',
    });
  test.each(['identity', 'entra', 'registry'] as const)('%s: 16 to 16,384 characters', (leg) => {
    for (const length of [16, 4_000, 16_384]) expect(sized(leg, length)).toEqual({ kind: 'token' });
    for (const length of [1, 15, 16_385, 900_000]) {
      expect(sized(leg, length)).toEqual(unusable(leg, 200, 'token-size', `${length} characters`));
    }
  });
});

describe('the type of a token', () => {
  test.each(['Bearer', 'bearer', 'BEARER', '', undefined, null, 7])('%j can be used', (token_type) => {
    expect(classify('entra', 200, { access_token: token, expires_in: 1, token_type })).toEqual({
      kind: 'token',
    });
  });
  test.each(['pop', 'ssh-cert', 'N_A'])('%s cannot', (token_type) => {
    for (const leg of ['identity', 'entra'] as const) {
      const body = { access_token: token, expires_in: 1, expires_on: '4102444800', token_type };
      expect(classify(leg, 200, body)).toEqual(unusable(leg, 200, 'not-bearer', token_type));
    }
  });
});

test.each([{ error: 'invalid_client' }, { error_description: 'AADSTS7000112: x' }, { suberror: 'x' }])(
  'a success with %j is a failure in the server’s words, as the libraries take it',
  (more) => {
    const body = { access_token: token, expires_in: 3599, expires_on: '4102444800', ...more };
    for (const leg of ['identity', 'entra'] as const) {
      expect(classify(leg, 200, body)).toMatchObject({ failure: { kind: 'error-response', leg } });
    }
  },
);

test('a body with an encoding that nobody asked for is named', () => {
  for (const status of [200, 400]) {
    expect(classify('entra', status, '\u001f\ufffd', { encoding: 'gzip' })).toEqual(
      unusable('entra', status, 'encoded', 'gzip'),
    );
    expect(classify('entra', status, '\u001f', { encoding: 'identity' })).toEqual(
      unusable('entra', status, 'not-json'),
    );
  }
});

describe('the expiry', () => {
  test.each([
    [3600],
    true,
    0.5,
    0.0001,
    0,
    -1,
    '-1',
    '',
    ' 3600 ',
    '3600.5',
    '1e3',
    null,
    {},
    1e20,
    31_622_400,
  ])('expires_in %j is not one', (expires_in) => {
    const body = { access_token: token, expires_in };
    expect(classify('entra', 200, body)).toEqual(
      unusable('entra', 200, 'no-expiry', 'access_token, expires_in'),
    );
  });

  test('a lifetime of just under a leap year is one', () => {
    expect(classify('entra', 200, { access_token: token, expires_in: 31_622_399 }).kind).toBe('token');
  });

  test.each([[4102444800], true, 0, -1, 'never', '', null, 1.5, 253_402_300_799])(
    'expires_on %j is not one',
    (expires_on) => {
      const body = { access_token: token, expires_on };
      expect(classify('identity', 200, body)).toEqual(
        unusable('identity', 200, 'no-expiry', 'access_token, expires_on'),
      );
    },
  );

  test('Entra needs expires_in, an identity endpoint needs expires_on', () => {
    expect(classify('entra', 200, { access_token: token, expires_on: '4102444800' })).toMatchObject({
      failure: { reason: 'no-expiry' },
    });
    expect(classify('identity', 200, { access_token: token, expires_in: 3599 })).toMatchObject({
      failure: { reason: 'no-expiry' },
    });
  });
});

describe('an access_token that is not a token', () => {
  test.each(['', 'a b', 'a\nb', 'a\tb', 'ä', 7, null, {}, ['a.b.cccccccccccccccc'], undefined])(
    '%j',
    (access_token) => {
      expect(classify('entra', 200, { access_token, expires_in: 3599 })).toMatchObject({
        failure: { reason: 'no-token' },
      });
    },
  );
});

describe('what is not an answer of a token service', () => {
  test.each([
    ['a web page', 200, '<!DOCTYPE html><p>sign in', 'html'],
    ['a web page after blanks', 403, '  \n<html>', 'html'],
    ['XML', 200, '<?xml version="1.0"?>', 'html'],
    ['text', 200, 'OK', 'not-json'],
    ['text with a refusal', 403, 'blocked', 'not-json'],
    ['a list', 200, '[]', 'not-json'],
    ['null', 200, 'null', 'not-json'],
    ['half a body', 200, '{"access_token":"a.b', 'not-json'],
    ['nothing', 200, '', 'not-json'],
  ])('%s', (_, status, body, expected) => {
    expect(classify('entra', status, body)).toEqual(unusable('entra', status, expected));
  });

  test('a redirect shows where it leads, and is not followed', () => {
    for (const status of [300, 301, 302, 303, 304, 307, 308]) {
      expect(
        classify('entra', status, { access_token: token }, { location: 'https://evil.example/x' }),
      ).toEqual(unusable('entra', status, 'redirect', 'https://evil.example/x'));
    }
    expect(classify('entra', 302, '')).toEqual(unusable('entra', 302, 'redirect'));
    const long = classify('entra', 302, '', { location: 'x'.repeat(10_000) });
    expect(long).toMatchObject({ failure: { found: 'x'.repeat(4_000) } });
  });

  test('a body that is too large, whatever its status', () => {
    for (const status of [200, 400, 503]) {
      expect(classify('entra', status, '', { cut: true })).toEqual(unusable('entra', status, 'too-large'));
    }
  });

  test('keys of an answer without a token are shown, cut', () => {
    const body = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`${n}k`.padEnd(200, 'x'), 1]));
    const answer = classify('entra', 200, body);
    if (answer.kind !== 'failure' || answer.failure.kind !== 'unusable-answer') throw new Error('a token');
    expect(answer.failure.found.split(', ')).toHaveLength(20);
    expect(answer.failure.found.length).toBeLessThanOrEqual(4_000);
  });
});

describe('an error response', () => {
  test('of Entra', () => {
    const body = {
      error: 'invalid_client',
      error_description: 'AADSTS700213: No matching …',
      error_codes: [700213],
      timestamp: '2026-11-24 16:00:00Z',
      trace_id: 'trace',
      correlation_id: 'correlation',
    };
    expect(response('entra', 401, body)).toEqual({
      status: 401,
      error: 'invalid_client',
      description: 'AADSTS700213: No matching …',
      codes: ['700213'],
      timestamp: '2026-11-24 16:00:00Z',
      traceId: 'trace',
      correlationId: 'correlation',
    });
  });

  test('of App Service and of Azure Resource Manager', () => {
    expect(
      response('identity', 400, { statusCode: 400, message: 'No MSI found', correlationId: 'c' }),
    ).toEqual({
      status: 400,
      error: '',
      description: 'No MSI found',
      codes: [],
      correlationId: 'c',
    });
    expect(response('identity', 400, { Message: 'words' })).toMatchObject({ description: 'words' });
    expect(response('identity', 400, { error: { code: 'BadRequest', message: 'words' } })).toMatchObject({
      error: 'BadRequest',
      description: 'words',
    });
  });

  test('in plain text, if it is retried anyway', () => {
    expect(response('identity', 503, 'busy')).toMatchObject({ description: 'busy' });
    expect(response('identity', 503, 'x'.repeat(5_000)).description).toHaveLength(4_000);
    expect(response('identity', 503, '<html>busy').description).toBe('');
  });

  test('the code in the description wins over error_codes', () => {
    expect(
      response('entra', 400, { error_description: 'AADSTS700016: x', error_codes: [700213] }).codes,
    ).toEqual(['700016', '700213']);
    expect(
      reason('entra', 400, { error_description: 'AADSTS700016: x', error_codes: [700213] }),
    ).toBeUndefined();
    expect(reason('entra', 400, { error_description: 'AADSTS700213: x', error_codes: [700016] })).toBe(
      'trust',
    );
  });

  test('error_codes count if the description has none; what is not a number is left out', () => {
    const error_codes = [700213, '90033', 'x', null, [1], 1.5, '1'.repeat(40), { a: 1 }];
    expect(response('entra', 400, { error_codes }).codes).toEqual(['700213', '90033']);
    expect(response('entra', 400, { error_codes: Array(50).fill(700213) }).codes).toHaveLength(10);
    expect(response('entra', 400, { error_codes: '700213' }).codes).toEqual([]);
  });

  test('no text of it is longer than 4,000 characters', () => {
    const long = 'x'.repeat(1_000_000);
    const body = {
      error: long,
      error_description: long,
      trace_id: long,
      correlation_id: long,
      timestamp: long,
    };
    const { error, description, traceId, correlationId, timestamp } = response('entra', 400, body);
    for (const text of [error, description, traceId, correlationId, timestamp]) {
      expect(text).toHaveLength(4_000);
    }
  });
});

describe('what is tried again', () => {
  test.each([
    ['identity', 404, 'not-found'],
    ['identity', 410, 'gone'],
    ['identity', 429, 'throttled'],
    ['identity', 500, 'server-error'],
    ['identity', 599, 'server-error'],
    ['identity', 400, undefined],
    ['identity', 401, undefined],
    ['identity', 403, undefined],
    ['entra', 429, 'throttled'],
    ['entra', 500, 'server-error'],
    ['entra', 504, 'server-error'],
    ['entra', 400, undefined],
    ['entra', 401, undefined],
    ['entra', 404, undefined],
    ['entra', 408, undefined],
    ['entra', 410, undefined],
  ] as const)('%s %i: %s', (leg, status, expected) => {
    expect(reason(leg, status)).toBe(expected);
  });

  test.each([
    [700213, 'trust'],
    [7002138, 'trust'],
    [70021, 'trust'],
    [70025, 'trust'],
    [90033, 'transient'],
    [50196, undefined],
    [700016, undefined],
    [7000215, undefined],
    [7002206, undefined],
  ])('AADSTS%i: %s', (code, expected) => {
    expect(reason('entra', 400, { error_description: `AADSTS${code}: words` })).toBe(expected);
    // The machine does not speak for Entra's own codes.
    expect(reason('identity', 400, { error_description: `AADSTS${code}: words` })).toBeUndefined();
  });

  test('a temporary code counts before the status', () => {
    expect(reason('entra', 503, { error_description: 'AADSTS700213: words' })).toBe('trust');
    expect(reason('entra', 429, { error_description: 'AADSTS700213: words' })).toBe('throttled');
  });
});

test('a token in any answer is known, so that it can be masked', () => {
  expect(possibleTokens('{"access_token":"hush-hush"}')).toEqual(['hush-hush']);
  // A mask of a few letters would ruin the log, and a text of this length is never printed whole.
  for (const text of ['e', 'x'.repeat(7), 'x'.repeat(16_385)]) {
    expect(possibleTokens(JSON.stringify({ access_token: text }))).toEqual([]);
  }
  for (const body of ['{"access_token":7}', '{"access_token":""}', '{}', '[]', 'null', 'x', '']) {
    expect(possibleTokens(body)).toEqual([]);
  }
});

test('whatever comes, it is a token or one failure', () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('AADSTS700213', 'a.b.cccccccccccccccc', 3599, '4102444800'),
  );
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record(
        {
          access_token: value,
          expires_in: value,
          expires_on: value,
          error: value,
          error_description: value,
          error_codes: value,
          message: value,
        },
        { requiredKeys: [] },
      )
      .map((json) => JSON.stringify(json)),
  );
  fc.assert(
    fc.property(
      fc.constantFrom<Leg>('identity', 'entra'),
      fc.integer({ min: 200, max: 599 }),
      body,
      (leg, status, text) => {
        const answer = classify(leg, status, text);
        if (answer.kind === 'failure') return;
        expect(status).toBe(200);
        expect(possibleTokens(text)).toHaveLength(1);
      },
    ),
    { numRuns: 2_000 },
  );
});
