using Ard.Trainers.Data;
using Ard.Trainers.Objectives;

namespace Ard.Trainers.Training;

/// <summary>What is allowed in the settings of a training, and is a mistake as a rule: told as warnings before the first step.</summary>
internal static class TrainingAdvice
{
    /// <summary>One sentence each. Usually nothing.</summary>
    /// <param name="options">The settings as they are used.</param>
    /// <param name="objective">The method.</param>
    /// <param name="data">The training images.</param>
    /// <param name="validates">Whether there are validation images.</param>
    public static IEnumerable<string> On(TrainingOptions options, Objective objective, ImageDataset data, bool validates)
    {
        if (objective.Threat is { } threat && threat.Doubt is { } budget) yield return $"the training is against {threat}: {budget}";
        if (validates && options.Validation.Threat is var judge && judge != objective.Threat)
        {
            if (judge.Doubt is { } other) yield return $"the validation is against {judge}: {other}";
            if (objective.Threat is not null)
                yield return $"the best epoch is chosen against {judge}, and the training is against {objective.Threat}";
        }
        var (padding, side) = (options.Augmentation!.Padding, Math.Min(data.Height, data.Width));
        if (padding > 0 && 4 * padding >= side)
            yield return $"the augmentation {options.Augmentation} moves images of {data.Height}x{data.Width} by a quarter of their size "
                + $"or more: a padding of {Augmentation.For(data.Channels, data.Height, data.Width).Padding} is usual for them";
        if (options.Schedule is MultiStepSchedule { Milestones: [var first, ..] } schedule && first >= options.Epochs)
            yield return $"the schedule {schedule} never lowers the learning rate in {options.Epochs} epochs; "
                + $"{nameof(RelativeMultiStepSchedule)} has its milestones as shares of the training";
    }
}
