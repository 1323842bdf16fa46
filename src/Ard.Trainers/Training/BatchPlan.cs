namespace Ard.Trainers.Training;

/// <summary>Batches of one size; the last has what is left, but one image alone goes to the batch before: it has no variance.</summary>
internal readonly record struct BatchPlan(long Images, int BatchSize)
{
    private bool LastTakesOneMore => BatchSize > 1 && Images > BatchSize && Images % BatchSize == 1;
    public int Steps => checked((int)((Images + BatchSize - 1) / BatchSize - (LastTakesOneMore ? 1 : 0)));

    public long First(int step) => (long)step * BatchSize;
    public long Count(int step) => step == Steps - 1 ? Images - First(step) : BatchSize;
}
