/* A chain of N operations, sin and multiplication by x by turns. arrays: (x, y), value, gradient */
#include <math.h>

void run(double **arrays)
{
    static double sines[N / 2], cosines[N / 2];
    double x = arrays[0][0], y = arrays[0][1], slope = 1, sum = 0;
    for (int i = 0; i < N / 2; i++) {
        sines[i] = sin(y), cosines[i] = cos(y);
        y = sines[i] * x;
    }
    arrays[1][0] = y;
    for (int i = N / 2 - 1; i >= 0; i--) {
        sum += slope * sines[i];
        slope *= x * cosines[i];
    }
    arrays[2][0] = sum, arrays[2][1] = slope;
}
