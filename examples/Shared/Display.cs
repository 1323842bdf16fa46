using System.Diagnostics;
using Ard.Trainers.Distributed;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Training;
using Spectre.Console;

namespace Ard.Examples;

/// <summary>What is shown while something runs: bars on a terminal, now and then a line where the output goes into a file.</summary>
internal abstract class Display
{
    /// <summary>Whether the output is a terminal.</summary>
    public static bool IsLive { get; } = ProcessGroup.Current.Size == 1 && !Console.IsOutputRedirected
        && AnsiConsole.Profile.Capabilities.Ansi;

    /// <summary>Runs something with a display.</summary>
    public static void Run(Action<Display> body) => Run(display =>
    {
        body(display);
        return 0;
    });

    /// <summary>The same with what comes of it.</summary>
    public static T Run<T>(Func<Display, T> body) => !IsLive ? body(new PlainDisplay()) : AnsiConsole.Progress()
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 8 }, new PercentageColumn())
        .Start(context => body(new LiveDisplay(context)));

    /// <summary>A message that stays.</summary>
    public abstract void Line(string text);

    /// <summary>A training begins.</summary>
    public abstract IProgress<TrainingProgress> Training(string what);

    /// <summary>An evaluation begins.</summary>
    public abstract IProgress<EvaluationProgress> Evaluation(string what);

    private void Tell(string what, TrainingProgress p)
    {
        if (p.Teacher is { } teacher) Line($"{what}: the teacher, on {teacher}");
        foreach (var warning in p.Warnings) Line($"{what}: {warning}");
    }

    private static string Text(string what, TrainingProgress p)
    {
        var validation = p.RobustValidationAccuracy is { } robust
            ? $", validation {100 * p.ValidationAccuracy:F1} % and {100 * robust:F1} % attacked" : "";
        return $"{what}: epoch {p.Epoch}/{p.Epochs}, loss {p.Loss:F3}, training accuracy {100 * p.TrainingAccuracy:F1} %{validation}, "
            + $"rate {p.LearningRate:G2}, {p.ImagesPerSecond:N0} images/s, {Duration.Text(p.TimeLeft)} left";
    }

    // Fits beside a bar on 80 columns.
    private static string ShortText(string what, TrainingProgress p)
    {
        var validation = p.RobustValidationAccuracy is { } robust ? $" robust {100 * robust:F0}%" : "";
        return $"{what} {p.Epoch}/{p.Epochs} loss {p.Loss:F2} acc {100 * p.TrainingAccuracy:F0}%{validation} "
            + $"{p.ImagesPerSecond:F0}/s {Duration.Text(p.TimeLeft)}";
    }

    // Reports on the thread that trains, at once; Progress<T> would post them to the pool and lose their order.
    private sealed class Handler<T>(Action<T> handle) : IProgress<T>
    {
        public void Report(T value) => handle(value);
    }

    private sealed class PlainDisplay : Display
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
        private readonly Stopwatch sinceLine = Stopwatch.StartNew();

        public override void Line(string text) => Console.WriteLine(text);

        public override IProgress<TrainingProgress> Training(string what) => new Handler<TrainingProgress>(p =>
        {
            Tell(what, p);
            if (!(p.EpochEnded && p.Epoch == p.Epochs) && sinceLine.Elapsed < Interval) return;
            sinceLine.Restart();
            Line(Text(what, p));
        });

        public override IProgress<EvaluationProgress> Evaluation(string what) => new Handler<EvaluationProgress>(p =>
        {
            if (sinceLine.Elapsed < Interval) return;
            sinceLine.Restart();
            Line($"{what}: {p.Attack}, {p.Done}/{p.Total} images");
        });
    }

    private sealed class LiveDisplay(ProgressContext context) : Display
    {
        // The bar of a training shows the evaluation that follows as well.
        private ProgressTask? trained;

        public override void Line(string text) => AnsiConsole.WriteLine(text);

        public override IProgress<TrainingProgress> Training(string what)
        {
            var task = trained = context.AddTask(Markup.Escape(what));
            return new Handler<TrainingProgress>(p =>
            {
                Tell(what, p);
                task.MaxValue = (double)p.Epochs * p.Steps;
                task.Value = (p.Epoch - 1.0) * p.Steps + p.Step;
                task.Description = Markup.Escape(ShortText(what, p));
            });
        }

        public override IProgress<EvaluationProgress> Evaluation(string what)
        {
            var task = trained ?? context.AddTask(Markup.Escape($"{what}: evaluation"));
            trained = null;
            return new Handler<EvaluationProgress>(p =>
            {
                task.MaxValue = p.Total;
                task.Value = p.Done;
                task.Description = Markup.Escape($"{what}: {p.Attack}, {p.Done}/{p.Total} images");
            });
        }
    }
}
