import { shutDown } from './wine.ts';

/** Jest's last act: no process of that Windows stays behind. */
export default shutDown;
