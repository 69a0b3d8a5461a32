#!/usr/bin/env node
// Runs like `node` and is Windows' node.exe under Wine. No shell script: sh drops variables such as INPUT_CLIENT-ID.
import '../../build/test/windows/node-on-wine.js';
