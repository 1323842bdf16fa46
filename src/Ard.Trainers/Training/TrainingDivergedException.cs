namespace Ard.Trainers.Training;

/// <summary>The loss or the weights of a training became NaN or infinite. The last checkpoint, if any, is from before.</summary>
/// <param name="epoch">The epoch, from 1.</param>
/// <param name="step">The step within the epoch, from 1.</param>
/// <param name="what">What is not finite, and how.</param>
/// <param name="likelyCause">Where to look.</param>
public sealed class TrainingDivergedException(int epoch, int step, string what, string likelyCause)
    : ArithmeticException($"Epoch {epoch}, step {step}: {what}. Likely cause: {likelyCause}.")
{
    /// <summary>The epoch, from 1.</summary>
    public int Epoch => epoch;

    /// <summary>The step within the epoch, from 1.</summary>
    public int Step => step;
}
