namespace Ard.Trainers.Training;

/// <summary>
/// How the images of an epoch go into batches: all of one size but the last, which has what is left. One image that would be left alone is
/// in the batch before, for batch normalisation of a single value has no variance.
/// </summary>
internal readonly record struct BatchPlan(long Images, int BatchSize)
{
    private bool LastTakesOneMore => BatchSize > 1 && Images > BatchSize && Images % BatchSize == 1;

    public int Steps => checked((int)((Images + BatchSize - 1) / BatchSize - (LastTakesOneMore ? 1 : 0)));

    public long First(int step) => (long)step * BatchSize;

    public long Count(int step) => step == Steps - 1 ? Images - First(step) : BatchSize;
}
