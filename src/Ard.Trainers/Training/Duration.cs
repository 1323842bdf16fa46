namespace Ard.Trainers.Training;

/// <summary>How long something takes, as logs and reports write it.</summary>
public static class Duration
{
    /// <summary>The two largest units: 6 d 13 h, 2 h 5 min, 1 min 12 s; below a minute seconds, below ten with one decimal.</summary>
    /// <param name="time">The time; what is negative counts as none.</param>
    public static string Text(TimeSpan time)
    {
        var seconds = Math.Max(0, time.TotalSeconds);
        if (seconds < 9.95) return string.Create(CultureInfo.InvariantCulture, $"{seconds:0.#} s");
        time = TimeSpan.FromSeconds(Math.Round(seconds));
        return time.TotalDays >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.Days:N0} d {time.Hours} h")
            : time.TotalHours >= 1 ? $"{time.Hours} h {time.Minutes} min"
            : time.TotalMinutes >= 1 ? $"{time.Minutes} min {time.Seconds} s"
            : $"{time.Seconds} s";
    }
}
