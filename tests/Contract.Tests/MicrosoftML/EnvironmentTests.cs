using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Contract.Tests.MicrosoftML;

public class EnvironmentTests
{
    [Fact]
    public void Channels_write_to_the_log_of_the_context()
    {
        var ml = new MLContext(1);
        var log = new List<LoggingEventArgs>();
        ml.Log += (_, e) => log.Add(e);
        var host = ((IHostEnvironment)ml).Register("Ard");
        using (var channel = host.Start("Train"))
        {
            channel.Info(MessageSensitivity.None, "epoch {0}", 3);
            channel.Warning(MessageSensitivity.All, "careful {not a format}");
            channel.Error(MessageSensitivity.All, "bad");
            channel.Trace(MessageSensitivity.All, "detail");
        }
        var info = log.Single(e => e.Kind == ChannelMessageKind.Info);
        Assert.Equal("[Source=Ard; Train, Kind=Info] epoch 3", info.Message);
        Assert.Equal("epoch 3", info.RawMessage);
        Assert.Equal("Ard; Train", info.Source);
        Assert.Equal("careful {not a format}", log.Single(e => e.Kind == ChannelMessageKind.Warning).RawMessage);
        Assert.Equal("bad", log.Single(e => e.Kind == ChannelMessageKind.Error).RawMessage);
        Assert.Equal("Channel started", log[0].RawMessage);
        Assert.Equal("Channel disposed", log[^1].RawMessage);
    }

    [Fact]
    public void The_same_seed_gives_the_same_random_numbers()
    {
        var a = (IHostEnvironment)new MLContext(5);
        var b = (IHostEnvironment)new MLContext(5);
        Assert.Equal(a.Register("x").Rand.Next(), b.Register("x").Rand.Next());
        Assert.NotEqual(a.Register("x").Rand.Next(), a.Register("x").Rand.Next());
        Assert.Equal(a.Register("y", 7).Rand.Next(), b.Register("z", 7).Rand.Next());
        Assert.NotEqual(((IHostEnvironment)new MLContext()).Register("x").Rand.Next(), ((IHostEnvironment)new MLContext())
            .Register("x").Rand.Next());
    }

    [Fact]
    public void Errors_are_processed_by_the_context_and_returned()
    {
        var host = ((IHostEnvironment)new MLContext(1)).Register("Ard");
        var error = new InvalidOperationException("x");
        Assert.Same(error, host.Process(error));
        using var channel = host.Start("Train");
        var other = new InvalidOperationException("y");
        Assert.Same(other, channel.Process(other));
        Assert.Equal("Ard", other.Data["Throwing component"]);
    }

    [Fact]
    public void Device_options_have_defaults_and_can_be_set()
    {
        var ml = new MLContext();
        Assert.Null(ml.GpuDeviceId);
        Assert.False(ml.FallbackToCpu);
        ml.GpuDeviceId = 1;
        ml.FallbackToCpu = true;
        Assert.Equal(1, ml.GpuDeviceId);
        ml.SetOption("a", 3);
        Assert.True(ml.TryGetOption("a", out int value));
        Assert.Equal(3, value);
        Assert.Equal(0, ml.GetOptionOrDefault<int>("none"));
        Assert.False(ml.TryAddOption("a", 4));
        Assert.True(ml.RemoveOption("a"));
        Assert.NotEmpty(ml.TempFilePath);
    }

    [Fact]
    public void A_progress_channel_takes_headers_and_checkpoints()
    {
        var host = ((IHostEnvironment)new MLContext(1)).Register("Ard");
        using var progress = host.StartProgressChannel("epochs");
        progress.SetHeader(new ProgressHeader(["loss"], ["epoch"]), entry => entry.SetProgress(0, 1));
        progress.Checkpoint(1.0, 2.0);
    }
}
