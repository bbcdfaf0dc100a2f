/** ATen operators that give the same elements another shape or place: views, joins, windows, padding. */
export * as join from './join.ts';
export * as padding from './padding.ts';
export * as view from './view.ts';
export * as window from './window.ts';
