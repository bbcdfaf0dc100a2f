export const POOLING_FORMS = {};
