export const SIGNAL_FORMS = {};
