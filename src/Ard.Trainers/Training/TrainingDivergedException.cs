namespace Ard.Trainers.Training;

/// <summary>The loss or the weights of a training became NaN or infinite. The last checkpoint, if any, is from before.</summary>
public sealed class TrainingDivergedException : ArithmeticException
{
    internal TrainingDivergedException(int epoch, int step, string what, string likelyCause)
        : base($"Epoch {epoch}, step {step}: {what}. Likely cause: {likelyCause}.") { }
}
