namespace Ard.Trainers.Training;

/// <summary>Loss and right answers of every step of an epoch, on the device, so that recording waits for nothing.</summary>
internal sealed class TrainingMeter(BatchPlan batches, Device device) : IDisposable
{
    /// <summary>[2, steps]: the loss of each step, and how many images the student got right in it.</summary>
    public Tensor Values { get; } =
        Full([2, batches.Steps], double.NaN, dtype: ScalarType.Float64, device: device).DetachFromDisposeScope();

    public void Record(int step, Tensor loss, Tensor? right)
    {
        using var noGradient = no_grad();
        Values.narrow(0, 0, 1).narrow(1, step, 1).copy_(loss.detach());
        if (right is not null) Values.narrow(0, 1, 1).narrow(1, step, 1).copy_(right);
    }

    /// <summary>Waits for the device: means over the images of so many steps, and the first step of a loss not finite, or -1.</summary>
    public (double Loss, double Accuracy, int FirstBad, double BadLoss) Read(int steps)
    {
        if (steps == 0) return (double.NaN, double.NaN, -1, 0);
        using var scope = NewDisposeScope();
        var read = Values.narrow(1, 0, steps).cpu().contiguous().data<double>().ToArray();
        double loss = 0, right = 0, seen = 0;
        var bad = -1;
        for (var step = 0; step < steps; step++)
        {
            var count = batches.Count(step);
            seen += count;
            loss += read[step] * count;
            right += read[steps + step];
            if (bad < 0 && !double.IsFinite(read[step])) bad = step;
        }
        return (loss / seen, right / seen, bad, bad < 0 ? 0 : read[bad]);
    }

    public void Dispose() => Values.Dispose();
}
