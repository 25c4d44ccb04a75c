import { PageHead } from '@/ui/page'
import { AboutCard, HostsCard } from './about-card'
import { DoctorCard } from './doctor-card'
import { TokensCard } from './tokens-card'

export function SettingsPage() {
  return (
    <>
      <PageHead
        documentTitle="Settings"
        title="Settings"
        lead="How the service is, and who may use it. What it does is set in its configuration file."
      />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_minmax(0,24rem)]">
        <div className="grid min-w-0 gap-4">
          <DoctorCard />
          <TokensCard />
        </div>
        <div className="grid min-w-0 gap-4">
          <HostsCard />
          <AboutCard />
        </div>
      </div>
    </>
  )
}
