/* The expression of micrograd's README and its gradient. arrays: (a, b), value, gradient */
void run(double **arrays)
{
    double a = arrays[0][0], b = arrays[0][1];
    double up = b + a > 0 ? b + a : 0, down = b - a > 0 ? b - a : 0;
    double c = a + b, d = a * b + b * b * b;
    c += c + 1;
    c += 1 + c - a;
    d += d * 2 + up;
    d += 3 * d + down;
    double e = c - d, f = e * e;
    arrays[1][0] = f / 2 + 10 / f;
    double slope = (0.5 - 10 / (f * f)) * 2 * e;                  /* of the value by e */
    double u = up > 0, v = down > 0;                              /* slopes of both kinks */
    arrays[2][0] = slope * (3 - (12 * b + 4 * u - v));            /* c = 4 (a + b) + 3 - a */
    arrays[2][1] = slope * (4 - (12 * (a + 3 * b * b) + 4 * u + v)); /* d = 12 (a b + b^3) + 4 up + down */
}
