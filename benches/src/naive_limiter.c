/* The envelope limiter in the plainest C: what the benches compare with, and what the
 * recursion of crate ossicle-dsp must equal bit for bit.
 *
 * All state lives in a struct and is read and written through it at every sample, and the
 * line's index is wrapped by a division. It is built without fused multiply-add. */

#include <math.h>
#include <stddef.h>

struct naive_limiter {
    float *line;
    size_t length;
    size_t index;
    float attack;
    float release;
    float envelope;
    float gain;
};

void naive_limiter_process(struct naive_limiter *limiter, float threshold, float *samples,
                           size_t count)
{
    for (size_t at = 0; at < count; at++) {
        limiter->line[limiter->index] = samples[at];
        limiter->index = (limiter->index + 1) % limiter->length;

        float level = fabsf(samples[at]);
        limiter->envelope *= limiter->release;
        limiter->envelope = level > limiter->envelope ? level : limiter->envelope;

        float target = 1.0f;
        if (limiter->envelope > threshold)
            target = (1.0f + threshold) - limiter->envelope;
        limiter->gain = limiter->gain * limiter->attack + target * (1.0f - limiter->attack);

        samples[at] = limiter->line[limiter->index] * limiter->gain;
    }
}
