using System.Diagnostics;

namespace Ard.Trainers.Training;

/// <summary>The clocks and the warnings of a training, and what is told of them.</summary>
internal sealed class ProgressReporter(TrainingSetup setup, IProgress<TrainingProgress>? progress)
{
    private readonly Stopwatch elapsed = Stopwatch.StartNew();
    private readonly Stopwatch sinceReport = Stopwatch.StartNew();
    private readonly Stopwatch training = new();
    private readonly List<string> newWarnings = [];
    private double epochStart;
    private double validationSeconds;
    private double secondsBeforeSteps;
    private double firstStepSeconds;
    private int validations;
    private long steps;
    private long imagesThisEpoch;
    private bool saidHowLong;

    public double EarlierSeconds { get; set; }

    /// <summary>What this epoch has had before it was resumed.</summary>
    public double EarlierEpochSeconds { get; set; }

    public double Seconds => EarlierSeconds + elapsed.Elapsed.TotalSeconds;
    public double EpochSeconds => Seconds - epochStart;
    public bool IsDue => sinceReport.Elapsed >= setup.Options.ProgressInterval;
    public List<string> Warnings { get; } = [];

    /// <summary>What was found of the teacher, until it has been told.</summary>
    public TeacherReport? Teacher { get; set; }

    public void Warn(TrainingRun run, string message)
    {
        var warning = $"Epoch {run.Epoch + 1}, step {Math.Min(run.Step + 1, run.Steps)}: {message}";
        Warnings.Add(warning);
        newWarnings.Add(warning);
    }

    public void BeginEpoch()
    {
        (epochStart, imagesThisEpoch, EarlierEpochSeconds) = (Seconds - EarlierEpochSeconds, 0, 0);
        if (steps == 0) secondsBeforeSteps = elapsed.Elapsed.TotalSeconds;
        training.Restart();
    }

    public void EndStep(long images)
    {
        imagesThisEpoch += images;
        if (++steps == 1) firstStepSeconds = elapsed.Elapsed.TotalSeconds;
    }

    public void EndOfSteps() => training.Stop();

    public T Validating<T>(Func<T> validate)
    {
        var before = Seconds;
        var result = validate();
        validationSeconds += Seconds - before;
        validations++;
        return result;
    }

    public void Report(TrainingRun run, double loss, double accuracy, bool epochEnded)
    {
        sinceReport.Restart();
        WarnIfItTakesDays(run);
        if (progress is null) return;
        var judged = run.Selection.History.LastOrDefault(epoch => epoch.RobustValidationAccuracy is not null);
        // At the pace of this process, for another may have run on another machine.
        var secondsPerStep = steps == 0 ? 0 : (elapsed.Elapsed.TotalSeconds - secondsBeforeSteps - validationSeconds) / steps;
        var secondsPerValidation = validations == 0 ? 0 : validationSeconds / validations;
        var stepsLeft = (long)(setup.Epochs - run.Epoch) * run.Steps - run.Step;
        var validationsLeft = (setup.Epochs - run.Epoch - (epochEnded ? 1 : 0)) / (double)setup.Options.ValidateEveryEpochs;
        progress.Report(new TrainingProgress(
            run.Epoch + 1, setup.Epochs, run.Step, run.Steps, epochEnded, loss, accuracy, run.LearningRate(run.Step - 1),
            ImagesPerSecond: imagesThisEpoch / Math.Max(1e-9, training.Elapsed.TotalSeconds),
            judged?.ValidationAccuracy, judged?.RobustValidationAccuracy, Elapsed: Time(Seconds),
            TimeLeft: Time(stepsLeft * secondsPerStep + validationsLeft * secondsPerValidation))
        {
            Warnings = [.. newWarnings],
            Teacher = Teacher,
        });
        newWarnings.Clear();
        Teacher = null;
    }

    // Once, as soon as the pace is known; the first step is slower than the others.
    private void WarnIfItTakesDays(TrainingRun run)
    {
        if (saidHowLong || steps < 3) return;
        saidHowLong = true;
        var secondsPerStep = (elapsed.Elapsed.TotalSeconds - validationSeconds - firstStepSeconds) / (steps - 1);
        var whole = Time(secondsPerStep * run.Steps * setup.Epochs);
        if (whole.TotalDays >= 1)
            Warn(run, $"at the pace of its first steps the training takes {Duration.Text(whole)} on {setup.Device}: fewer epochs, attack "
                + $"steps or images, or a smaller network{(setup.Device.type == DeviceType.CPU ? ", or a GPU," : "")} make it shorter");
    }

    // At most what a TimeSpan holds.
    private static TimeSpan Time(double seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 9e11));
}
